import time
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import StudyError
from lss_cli.locate.levels import NOT_COVERED
from lss_cli.locate.locate import ASSUMED, NOT_SEEN, Locators, locate
from lss_cli.study.geometry import Plane
from lss_cli.study.study import read_study
from tests.locate.studies import plan, write_coded_study, write_locators


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return Locators.load(write_locators(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def straight(tmp_path_factory, models):
    """A phantom, its study, and what is proposed for it."""
    phantom = plan()
    study = read_study(write_coded_study(tmp_path_factory.mktemp("straight"), phantom))
    return phantom, study, locate(study, models)


def clicked(phantom):
    return {(point.condition, point.level): point for point in phantom.points}


def test_every_point_lies_near_the_one_that_was_clicked(straight):
    phantom, study, proposal = straight
    assert proposal.complete
    assert len(proposal.points) == 10
    for item in proposal.points:
        point, click = item.point, clicked(phantom)[item.point.condition, item.point.level]
        assert point.series_id == str(click.series_id)
        # Proposed points lie up to one slice nearer the feet than a phantom's.
        assert abs(point.instance_number - click.instance_number) <= 1
        spacing = phantom.series[0].slices[0].plane.spacing
        assert np.hypot(point.x - click.x, point.y - click.y) * spacing < 4
        assert item.sure
        assert not item.doubts
        slice_ = study.locate(point.series_id, point.instance_number).slice
        np.testing.assert_allclose(
            slice_.geometry.to_patient((point.x, point.y)), item.position, atol=0.01
        )


def test_an_alternative_lies_in_the_next_slice(straight):
    _, study, proposal = straight
    several = [item for item in proposal.points if item.alternative]
    assert several
    for item in several:
        own, other = (
            study.locate(point.series_id, point.instance_number)
            for point in (item.point, item.alternative)
        )
        assert abs(own.index - other.index) in {1, 2}
        assert own.stack is other.stack


def test_it_says_which_series_it_looked_at(straight):
    phantom, _, proposal = straight
    assert [(used.kind, used.series_id) for used in proposal.series] == [
        ("sagittal", str(phantom.series[1].series_id)),
        ("axial", str(phantom.series[0].series_id)),
    ]
    assert "sagittal by its orientation, T2 by its description" in proposal.series[0].why


def test_without_a_sagittal_series_one_straight_stack_cannot_be_numbered(tmp_path, models):
    folder = write_coded_study(tmp_path, plan(0), without=("Sagittal T2/STIR",))
    proposal = locate(read_study(folder), models)
    assert len(read_study(folder).series[0].stacks) == 1
    assert not proposal.points
    assert set(proposal.missing) == set(Level)
    assert all("no sagittal series" in reason for reason in proposal.missing.values())


def test_five_separate_stacks_are_numbered_with_a_doubt(tmp_path, models):
    phantom = plan(1, slices=3)
    folder = write_coded_study(tmp_path, phantom, without=("Sagittal T2/STIR",))
    proposal = locate(read_study(folder), models)
    assert ASSUMED in proposal.doubts
    assert not any(item.sure for item in proposal.points)
    assert {item.point.level for item in proposal.points} == set(Level)
    for item in proposal.points:
        click = clicked(phantom)[item.point.condition, item.point.level]
        assert abs(item.point.instance_number - click.instance_number) <= 1


def test_four_stacks_are_not_numbered(tmp_path, models):
    phantom = plan(1, slices=3)
    axial, sagittal = phantom.series
    fewer = replace(phantom, series=(replace(axial, slices=axial.slices[:12]), sagittal))
    folder = write_coded_study(tmp_path, fewer, without=("Sagittal T2/STIR",))
    assert not locate(read_study(folder), models).points


def test_a_level_without_axial_slices_is_not_covered(tmp_path, models):
    phantom = plan(1, slices=3)
    axial, sagittal = phantom.series
    fewer = replace(phantom, series=(replace(axial, slices=axial.slices[:12]), sagittal))
    proposal = locate(read_study(write_coded_study(tmp_path, fewer)), models)
    (level,) = proposal.missing
    assert level in {Level.L1_L2, Level.L5_S1}
    assert proposal.missing[level] == NOT_COVERED
    assert len(proposal.points) == 8


def test_a_sagittal_series_of_another_region_covers_nothing(tmp_path, models):
    phantom = plan(0)
    study = read_study(write_coded_study(tmp_path, phantom))
    axial = next(series for series in study.series if series.plane is Plane.AXIAL)
    moved = replace(
        axial,
        slices=tuple(
            replace(
                slice_,
                geometry=replace(
                    slice_.geometry, position=slice_.geometry.position + np.array([0, 0, 300.0])
                ),
            )
            for slice_ in axial.slices
        ),
    )
    others = [series for series in study.series if series is not axial]
    proposal = locate(replace(study, series=(moved, *others)), models)
    assert not proposal.points
    assert set(proposal.missing.values()) == {NOT_COVERED}


def test_where_no_disc_is_seen_nothing_is_proposed(tmp_path, models):
    study = read_study(write_coded_study(tmp_path, plan(0), shift=5))
    proposal = locate(study, models)
    assert not proposal.points
    assert set(proposal.missing.values()) == {NOT_SEEN}


def test_discs_counted_on_a_t1_are_not_sure(tmp_path, models):
    tags = {"Sagittal T2/STIR": {"description": "SAG T1"}}
    proposal = locate(read_study(write_coded_study(tmp_path, plan(0), tags=tags)), models)
    assert len(proposal.points) == 10
    assert not any(item.sure for item in proposal.points)
    assert any("no sagittal T2" in text for text in proposal.doubts)


def test_a_study_of_t1_alone_is_refused(tmp_path, models):
    tags = {"Sagittal T2/STIR": {"description": "SAG T1"}, "Axial T2": {"description": "AX T1"}}
    study = read_study(write_coded_study(tmp_path, plan(0), tags=tags))
    with pytest.raises(StudyError, match="no axial T2 series"):
        locate(study, models)


def test_two_axial_series_are_used_together(tmp_path, models):
    phantom = plan(1, slices=3)
    axial, sagittal = phantom.series
    halves = [axial.slices[:6], axial.slices[6:]]
    both = [
        replace(axial, series_id=number, slices=half)
        for number, half in zip((11, 12), halves, strict=True)
    ]
    study = read_study(write_coded_study(tmp_path, replace(phantom, series=(*both, sagittal))))
    proposal = locate(study, models)
    assert proposal.complete
    assert {item.point.series_id for item in proposal.points} == {"11", "12"}


def test_a_slice_that_no_point_can_name_is_said(tmp_path, models):
    folder = write_coded_study(tmp_path, plan(0))
    axial = next(series for series in read_study(folder).series if series.plane is Plane.AXIAL)
    for slice_ in axial.slices:
        ds = pydicom.dcmread(slice_.path)
        del ds.InstanceNumber
        ds.save_as(slice_.path)
    proposal = locate(read_study(folder), models)
    assert all("no number" in reason for reason in proposal.missing.values())


def test_points_of_one_side_can_be_asked_for(straight):
    _, _, proposal = straight
    left = proposal.of_conditions([Condition.LEFT_SUBARTICULAR])
    assert [item.point.level for item in left] == list(Level)


@pytest.mark.rsna
def test_points_of_a_real_study_lie_near_its_labels(rsna):
    from lss_cli.model.find import models_folder
    from lss_cli.points.table import read_points

    if not (models_folder() / "locate-axial.onnx").is_file():
        pytest.skip("no locator is shipped here")
    study = read_study(rsna / "train_images" / "100206310")
    models = Locators.load(threads=2)
    started = time.monotonic()
    proposal = locate(study, models)
    assert time.monotonic() - started < 5
    labels, _ = read_points(rsna / "train_label_coordinates.csv", (study.id,))
    by_key = {(point.condition, point.level): point for point in labels}
    assert proposal.complete
    for item in proposal.points:
        label = by_key[item.point.condition, item.point.level]
        slice_ = study.locate(label.series_id, label.instance_number).slice
        away = slice_.geometry.to_patient((label.x, label.y)) - np.array(item.position)
        assert np.hypot(away @ slice_.geometry.row_cosine, away @ slice_.geometry.column_cosine) < 5
        assert abs(item.point.instance_number - label.instance_number) <= 2

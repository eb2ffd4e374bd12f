from dataclasses import replace

import numpy as np
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.grading.grade import grade_study
from lss_cli.locate.locate import Locators, count_discs
from lss_cli.model.session import load_model
from lss_cli.points.point import Point
from lss_cli.study.pixels import read_pixels
from tests.locate.studies import write_locators


@pytest.fixture
def warnings(coded_study, coded_phantom, landmarks, tiny_model):
    """The warnings on counting, by level, of points that are called as `called` says."""

    def run(called, conditions=(Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR)):
        points = [
            Point(
                "",
                str(click.series_id),
                click.instance_number,
                click.condition,
                level,
                click.x,
                click.y,
            )
            for click in coded_phantom.points
            for level in [called.get(click.level)]
            if click.condition in conditions and level
        ]
        result = grade_study(coded_study, points, (), load_model(tiny_model), landmarks=landmarks)
        texts = {
            row.level: [text for text in result.warnings_of(row) if "as counted" in text]
            for row in result.levels
        }
        return result, {level: found for level, found in texts.items() if found}

    return run


SAME = {level: level for level in Level}


def test_the_canal_is_known_behind_all_discs(landmarks, coded_phantom):
    assert set(landmarks.discs) == set(Level)
    curve = coded_phantom.body.curve
    for level, at in landmarks.discs.items():
        assert np.linalg.norm(at - curve.to_patient(0, 2.4, curve.level(level))) < 8


def test_correct_points_are_not_accused(warnings):
    assert warnings(SAME)[1] == {}


def test_all_levels_called_one_too_high_is_one_warning_of_the_study(warnings):
    levels = list(Level)
    called = dict(zip(levels[1:], levels[:-1], strict=True))
    result, found = warnings(called)
    assert set(found) == set(levels[:-1])
    (text,) = {text for texts in found.values() for text in texts}
    assert text in result.doubts
    assert text == (
        "what is called L4/L5 here is L5/S1 as counted on the sagittal pictures, and so are all "
        "levels; check the numbering."
    )


def test_a_single_point_in_another_disc_is_noticed(warnings):
    _, found = warnings({Level.L3_L4: Level.L4_L5}, [Condition.LEFT_SUBARTICULAR])
    assert found == {
        Level.L4_L5: [
            "the point of L4/L5 lies in what is L3/L4 as counted on the sagittal pictures; is it "
            "another level?"
        ]
    }


def test_discs_that_are_not_sure_count_for_nothing(coded_study, tmp_path):
    doubtful = Locators.load(write_locators(tmp_path / "models", sure=0.9))
    assert count_discs(coded_study, doubtful.sagittal) == {}
    axial = [series for series in coded_study.series if "SAG" not in series.description.upper()]
    sure = Locators.load(write_locators(tmp_path / "sure"))
    assert count_discs(replace(coded_study, series=tuple(axial)), sure.sagittal) == {}


def test_more_than_the_middle_slice_is_decoded_only_where_that_is_not_sure(coded_study, tmp_path):
    def decoded(sure):
        models = Locators.load(write_locators(tmp_path / str(sure), sure=sure))
        slices = []

        def read(slice_):
            slices.append(slice_.instance_number)
            return read_pixels(slice_)

        counted = count_discs(coded_study, models.sagittal, read)
        return len(set(slices)), bool(counted)

    assert decoded(0.5) == (1, True)
    most, counted = decoded(0.9)
    assert (most > 1, counted) == (True, False)

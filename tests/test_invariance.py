"""However a study is stored, its grades are the same."""

import shutil

import numpy as np
import pydicom
import pytest

from lss_cli.anatomy import Condition
from lss_cli.grading.grade import grade_study
from lss_cli.model.session import load_model
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study
from tests.dicom import WAYS, moved, moved_point, multi_frame, save, set_pixels
from tests.tables import read_rows, write_rows


@pytest.fixture
def grade(tiny_model):
    model = load_model(tiny_model)

    def run(study, coords):
        result = grade_study(read_study(study), *read_points(coords), model)
        assert result.complete, [level.reason for level in result.levels]
        return {(level.condition, level.level): level.probabilities for level in result.levels}

    return run


def assert_same(given, wanted):
    assert given.keys() == wanted.keys()
    for key in wanted:
        np.testing.assert_allclose(given[key], wanted[key], atol=1e-4)
    # The test would show nothing if the model saw the same everywhere.
    assert np.ptp(np.array(list(wanted.values())), axis=0).max() > 0.02


@pytest.fixture
def datasets(study):
    return [pydicom.dcmread(path) for path in sorted(study.rglob("*.dcm"))]


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS.keys())
def test_stored_another_way_round(study, coords, datasets, grade, how, tmp_path):
    wanted = grade(study, coords)
    size = (datasets[0].Columns, datasets[0].Rows)
    save([moved(dataset, **how) for dataset in datasets], tmp_path / "moved" / study.name)
    rows = read_rows(coords)
    for row in rows:
        x, y = moved_point(float(row["x"]), float(row["y"]), size, **how)
        row.update(x=x, y=y, series_id="")
    write_rows(coords, rows)
    assert_same(grade(tmp_path / "moved" / study.name, coords), wanted)


def test_a_mirrored_patients_left_is_graded_as_the_right_was(
    study, coords, datasets, grade, tmp_path
):
    wanted = grade(study, coords)
    width = datasets[0].Columns
    for dataset in datasets:
        set_pixels(dataset, dataset.pixel_array[:, ::-1])
    folder = save(datasets, tmp_path / "mirrored" / study.name)
    rows = read_rows(coords)
    for row in rows:
        mirrored = Condition.parse(row["condition"]).mirrored
        row.update(x=width - 1 - float(row["x"]), condition=mirrored, series_id="")
    write_rows(coords, rows)
    graded = grade(folder, coords)
    assert_same(
        {(condition.mirrored, level): prob for (condition, level), prob in graded.items()}, wanted
    )


def test_renumbered_and_in_reverse_file_order(study, coords, datasets, grade, tmp_path):
    wanted = grade(study, coords)
    total = len(datasets) + 1
    for dataset in datasets:
        dataset.InstanceNumber = total - dataset.InstanceNumber
    folder = save(datasets, tmp_path / "new" / study.name, "{0.InstanceNumber:04d}")
    rows = read_rows(coords)
    for row in rows:
        row.update(instance_number=total - int(row["instance_number"]), series_id="")
    write_rows(coords, rows)
    assert_same(grade(folder, coords), wanted)


def test_one_multi_frame_file(study, coords, datasets, grade, tmp_path):
    wanted = grade(study, coords)
    datasets.sort(key=lambda dataset: int(dataset.InstanceNumber))
    assert [int(dataset.InstanceNumber) for dataset in datasets] == list(
        range(1, len(datasets) + 1)
    )
    folder = save([multi_frame(datasets)], tmp_path / "multi" / study.name)
    assert_same(grade(folder, coords), wanted)


def test_a_flat_pile_with_odd_names(study, coords, grade, tmp_path):
    wanted = grade(study, coords)
    flat = tmp_path / "flat" / study.name
    flat.mkdir(parents=True)
    for index, path in enumerate(sorted(study.rglob("*.dcm"), reverse=True)):
        shutil.copy(path, flat / f"IM{index}")
    assert_same(grade(flat, coords), wanted)

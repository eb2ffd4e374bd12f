import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from lss_cli.output.picture import ACCENT
from tests.output.conftest import tool

FILES = ["l1_l2.dcm", "l2_l3.dcm", "l3_l4.dcm", "l4_l5.dcm", "l5_s1.dcm", "table.dcm"]


@pytest.fixture
def captures(predict, tmp_path):
    code, _, err = predict("--dicom-sc", tmp_path / "captures")
    assert code == 0, err
    return [pydicom.dcmread(path) for path in sorted((tmp_path / "captures").iterdir())]


def test_there_is_a_table_and_a_picture_per_level(predict, tmp_path):
    _, _, err = predict("--dicom-sc", tmp_path / "captures")
    assert sorted(path.name for path in (tmp_path / "captures").iterdir()) == FILES
    for name in FILES:
        assert f"Written: {tmp_path / 'captures' / name}" in err
        run = subprocess.run(
            [tool("dciodvfy"), tmp_path / "captures" / name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "SCImage" in run.stdout + run.stderr
        assert "Error" not in run.stdout + run.stderr


def test_the_captures_are_a_series_of_their_own_in_the_patients_study(captures, study):
    source = pydicom.dcmread(next(study.rglob("*.dcm")))
    others = {str(pydicom.dcmread(path).SeriesInstanceUID) for path in study.rglob("*.dcm")}
    (series,) = {str(capture.SeriesInstanceUID) for capture in captures}
    assert series not in others
    assert sorted(int(capture.InstanceNumber) for capture in captures) == [1, 2, 3, 4, 5, 6]
    assert len({capture.SOPInstanceUID for capture in captures}) == 6
    for capture in captures:
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "StudyDate"):
            assert capture[keyword].value == source[keyword].value
        assert capture.BurnedInAnnotation == "YES"
        assert "not a medical device" in capture.SeriesDescription


def test_every_picture_says_that_it_is_for_research_only(captures):
    for capture in captures:
        banner = capture.pixel_array[:26]
        # Black words on a coloured ground, the same in all.
        assert (banner[:, -50:] == ACCENT).all()
        assert (banner[:, :500] == 0).all(axis=2).sum() > 500
        assert np.array_equal(banner[:, :600], captures[0].pixel_array[:26, :600])


def test_a_picture_names_the_slices_that_it_shows(captures, study):
    instances = {str(pydicom.dcmread(path).SOPInstanceUID) for path in study.rglob("*.dcm")}
    shown = {capture.ImageComments: capture for capture in captures}
    assert sorted(shown) == ["L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1", "table"]
    for level, capture in shown.items():
        named = [item.ReferencedSOPInstanceUID for item in capture.get("SourceImageSequence", [])]
        assert set(named) <= instances and len(named) == len(set(named))
        assert bool(named) == (level != "table")


def uids(folder, predict, study):
    code, _, err = predict("--dicom-sc", folder, "--dicom-sr", folder / "sr.dcm", folder=study)
    assert code == 0, err
    return {
        (path.name, keyword): str(pydicom.dcmread(path)[keyword].value)
        for path in folder.iterdir()
        for keyword in ("SOPInstanceUID", "SeriesInstanceUID")
    }


def test_the_same_result_has_the_same_uids_and_another_has_others(predict, study, tmp_path):
    for name in ("first", "again", "changed"):
        (tmp_path / name).mkdir()
    first = uids(tmp_path / "first", predict, study)
    assert len(first) == 14
    assert uids(tmp_path / "again", predict, study) == first
    # A correction of who it is.
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        ds.PatientName = "Right^Patient"
        ds.save_as(path)
    changed = uids(tmp_path / "changed", predict, study)
    assert not set(changed.values()) & set(first.values())


def test_files_that_lack_what_a_capture_needs_cost_only_the_captures(predict, study, tmp_path):
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        del ds.PatientID
        ds.save_as(path)
    table = tmp_path / "out.csv"
    code, _, err = predict("--dicom-sc", tmp_path / "captures", "--csv", table)
    assert code == 3
    assert "PatientID (0010,0020)" in err
    assert table.exists() and not any((tmp_path / "captures").iterdir())
    shutil.rmtree(tmp_path / "captures")

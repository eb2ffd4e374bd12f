import csv
import os
import shutil
import subprocess
import sys

import pydicom
import pytest

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.errors import OutputError
from lss_cli.phantom.dataset import write_phantoms

SMALL = {"matrix": 96, "slices": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom") / "rsna"
    write_phantoms(out, 2, 5, **SMALL)
    return out


def rows(folder, name):
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    write_phantoms(tmp_path / "again", 2, 5, **SMALL)
    assert contents(tmp_path / "again") == contents(folder)


def test_another_seed_gives_other_files(folder, tmp_path):
    write_phantoms(tmp_path / "other", 1, 6, **SMALL)
    images = [name for name in contents(tmp_path / "other") if name.endswith(".dcm")]
    assert not set(images) & set(contents(folder))


def test_tables_fit_the_files(folder):
    series = {
        (row["study_id"], row["series_id"]) for row in rows(folder, "train_series_descriptions.csv")
    }
    on_disk = {(path.parent.name, path.name) for path in folder.glob("train_images/*/*")}
    assert series == on_disk
    for row in rows(folder, "train_label_coordinates.csv"):
        place = folder / "train_images" / row["study_id"] / row["series_id"]
        image = pydicom.dcmread(place / f"{row['instance_number']}.dcm", stop_before_pixels=True)
        assert 0 <= float(row["x"]) < image.Columns
        assert 0 <= float(row["y"]) < image.Rows
        assert str(image.InstanceNumber) == row["instance_number"]
        assert image.StudyInstanceUID.split(".")[-1] == row["study_id"]
        assert image.SeriesInstanceUID.split(".")[-1] == row["series_id"]


def test_labels_and_points_belong_together(folder):
    labels = rows(folder, "train.csv")
    points = {
        (row["study_id"], Condition.parse(row["condition"]), Level.parse(row["level"]))
        for row in rows(folder, "train_label_coordinates.csv")
    }
    for row in labels:
        assert len(row) == 26
        for condition in Condition:
            for level in Level:
                cell = row[f"{condition}_{level.key}"]
                assert bool(cell) == ((row["study_id"], condition, level) in points)
                assert not cell or Severity.parse(cell)


def test_the_files_are_valid_mr_images(folder):
    validator = shutil.which("dciodvfy")
    if not validator:
        assert os.environ.get("CI") != "true", "dciodvfy (dicom3tools) is missing"
        pytest.skip("dciodvfy is not installed")
    for path in folder.glob("train_images/*/*/1.dcm"):
        result = subprocess.run([validator, str(path)], capture_output=True, text=True, check=False)
        assert "Error" not in result.stdout + result.stderr


def test_no_version_of_a_library_leaks_into_the_files(folder):
    path = next(folder.rglob("*.dcm"))
    assert pydicom.dcmread(path).file_meta.ImplementationVersionName == "LSS_PHANTOM"
    assert b"PYDICOM" not in path.read_bytes()


def test_progress_counts_studies(tmp_path):
    seen = []
    write_phantoms(tmp_path, 2, 1, progress=seen.append, sagittal=False, **SMALL)
    assert seen == [1, 2]


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not an empty folder"):
        write_phantoms(tmp_path, 1, 1)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError):
        write_phantoms(tmp_path / "file", 1, 1)


def test_no_heavy_library_is_imported():
    code = (
        "import sys; import lss_cli.phantom.dataset;"
        "heavy = {'tensorflow', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr

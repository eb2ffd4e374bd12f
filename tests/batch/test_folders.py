"""Which studies a report finds, and the reason of each that it cannot grade."""

import os
import shutil
import signal
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from lss_cli.batch.folders import study_folders
from tests.batch.studies import (
    by_study,
    command,
    copies,
    files,
    retag,
    sabotage,
)
from tests.processes import wait_for
from tests.tables import read_rows, write_rows


def reasons(path):
    rows = by_study(path)
    return {name: {row["reason"] for row in rows} for name, rows in rows.items()}


def test_a_study_is_found_by_the_name_that_the_table_knows(tmp_path):
    for name in ("a", "b", "a/inner"):
        (tmp_path / name).mkdir()
    assert study_folders([tmp_path], {"a"}) == [tmp_path / "a", tmp_path / "b"]
    assert study_folders([tmp_path / "a"], {"a"}) == [tmp_path / "a"]
    assert study_folders([tmp_path / "a"], {"inner"}) == [tmp_path / "a" / "inner"]


def test_without_a_table_the_files_say_which_folders_are_studies(three_phantoms, tmp_path):
    studies, _ = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    # A patient with two studies, and one that cannot be read.
    shutil.copytree(studies / "b", studies / "patient" / "first" / "deep")
    shutil.copytree(studies / "c", studies / "patient" / "second")
    shutil.make_archive(studies / "d", "zip", studies / "a")
    (studies / "empty").mkdir()
    (studies / "empty" / "notes.txt").write_text("no image")
    names = ["a", "b", "c", "d.zip", "empty", "patient/first", "patient/second"]
    assert study_folders([studies], set()) == [studies / name for name in names]
    # One study whose series lie apart is one study.
    (series,) = (path for path in (studies / "a").iterdir() if path.is_dir())
    shutil.copytree(series, studies / "a" / "again")
    assert study_folders([studies / "a"], set()) == [studies / "a"]
    # Images beside the folders: what is wrong is said of all of it.
    shutil.copy(files(series)[0], studies / "patient")
    assert studies / "patient" in study_folders([studies], set())


def test_every_folder_has_its_own_reason(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    shutil.copytree(studies / "a", studies / "a copy")
    shutil.move(studies / "c", tmp_path / "c")
    shutil.copytree(tmp_path / "c", studies / "renamed")
    (studies / "empty").mkdir()
    (studies / "notes" / "deep").mkdir(parents=True)
    (studies / "notes" / "deep" / "notes.txt").write_text("no image")
    (studies / "packed").mkdir()
    (studies / "packed" / "packed.rar").write_bytes(b"Rar!")
    (tmp_path / "list.txt").write_text(
        "\n".join([*map(str, sorted(studies.iterdir())), "studies/gone"])
    )
    assert report(tmp_path / "list.txt", coords)[0] == 4
    found = reasons(tmp_path / "report.csv")
    assert found["a"] == found["b"] == {""}
    unknown = "the table has no point of this study, by its name or its StudyInstanceUID."
    assert found["renamed"] == {unknown}
    assert found["a copy"] == {
        "the table has no point of this name; by its StudyInstanceUID, this study is a once more."
    }
    assert found["gone"] == {"no such folder."}
    assert found["c"] == {"no folder of this study was given."}
    (empty,), (notes,), (packed,) = found["empty"], found["notes"], found["packed"]
    assert empty == "the folder is empty."
    assert notes.startswith("no DICOM image with a position in the patient was found. Name")
    assert "found. The folder holds an archive." in packed


def test_studies_lie_as_deep_as_they_like(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    (studies / "site" / "2020").mkdir(parents=True)
    for name in "bc":
        shutil.move(studies / name, studies / "site" / "2020" / name)
    assert report(studies, coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["a", "b", "c"]
    # One that the table does not know is not forgotten.
    write_rows(coords, [row for row in read_rows(coords) if row["study_id"] != "c"])
    assert report(studies, coords)[0] == 4
    assert list(by_study(tmp_path / "report.csv")) == ["a", "b", "c"]


def test_a_series_with_the_name_of_a_study_is_not_that_study(three_phantoms, report, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b"])
    shutil.copytree(studies / "a", tmp_path / "x")
    series = next(path for path in (tmp_path / "x").iterdir())
    shutil.copytree(series, tmp_path / "x" / "other")
    series.rename(tmp_path / "x" / "b")
    retag(tmp_path / "x" / "other", SeriesInstanceUID="1.2.3")
    shutil.rmtree(studies / "b")
    shutil.move(tmp_path / "x", studies / "x")
    assert report(studies, coords)[0] == 4
    found = reasons(tmp_path / "report.csv")
    assert found["b"] == {"no folder of this study was given."}
    assert "once more" in next(iter(found["x"]))


def test_one_study_and_a_table_without_studies(three_phantoms, report, lss, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a"])
    rows = read_rows(coords)
    for row in rows:
        del row["study_id"]
    write_rows(coords, rows)
    assert report(studies / "a", coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["a"]
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in files(studies / "a"):
        shutil.copy(path, flat)
    assert report(flat, coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["flat"]


def pack(folder, name="", compression=zipfile.ZIP_DEFLATED):
    """A zip file beside a study's folder, instead of it."""
    path = folder.with_name(name or f"{folder.name}.zip")
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in files(folder):
            archive.write(file, file.relative_to(folder.parent))
    shutil.rmtree(folder)
    return path


def pack_member(path, name, content=b"x", mode=0o100644, **about):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        member.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(member, content)
    return path


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where temporary folders are made; it has to be empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    monkeypatch.setattr("tempfile.tempdir", None)
    assert list(folder.iterdir()) == []


def test_zip_files_are_graded_like_folders(three_phantoms, report, scratch, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c"])
    assert report(studies, coords)[0] == 0
    before = (tmp_path / "report.csv").read_bytes()
    pack(studies / "a")
    pack(studies / "b", "b.ZIP", zipfile.ZIP_STORED)
    assert report(studies, coords, "--pages", "--html", tmp_path / "o.html")[0] == 0
    assert (tmp_path / "report.csv").read_bytes() == before
    assert "<h1>Study a · " in (tmp_path / "report.pages" / "a.html").read_text()
    # Unpacked beside itself, it counts once; alone, it counts as well.
    shutil.unpack_archive(studies / "a.zip", studies)
    assert report(studies, coords)[0] == 0
    assert report(studies / "b.ZIP", coords)[0] == 4
    assert [row["status"] for row in by_study(tmp_path / "report.csv")["b"]] == ["graded"] * 10


def test_a_zip_file_is_known_by_its_study_uid(three_phantoms, report, scratch, tmp_path):
    import pydicom

    studies, coords = copies(three_phantoms, tmp_path, ["a", "b"])
    uid = pydicom.dcmread(files(studies / "a")[0]).StudyInstanceUID
    pack(studies / "a", "export.zip")
    rows = read_rows(coords)
    write_rows(coords, [row | {"study_id": {"a": uid}.get(row["study_id"], "b")} for row in rows])
    assert report(studies, coords)[0] == 0
    assert list(by_study(tmp_path / "report.csv")) == ["b", "export"]


HOSTILE = {
    "damaged": (lambda path: path.write_bytes(b"PK\x03\x04 and no more"), "zip file is damaged"),
    "nothing": (lambda path: path.write_bytes(b""), "zip file is damaged"),
    "outside": (lambda path: pack_member(path, "../../evil"), "a name in the archive leads out"),
    "inner": (lambda path: pack_member(path, "a/../evil"), "a name in the archive leads out"),
    "absolute": (lambda path: pack_member(path, "/tmp/evil"), "a name in the archive leads out"),
    "windows": (lambda path: pack_member(path, "..\\evil"), "a name in the archive leads out"),
    "link": (
        lambda path: pack_member(path, "evil", b"/etc", mode=stat.S_IFLNK | 0o777),
        "a link or a device",
    ),
    "bomb": (
        lambda path: pack_member(path, "evil.dcm", bytes(150 * 2**20)),
        "more than images of its size could",
    ),
}


def test_a_bad_zip_file_costs_itself_alone(three_phantoms, report, scratch, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c", "d"])
    pack(studies / "a")
    whole = pack(studies / "b").read_bytes()
    middle = len(whole) // 2
    (studies / "b.zip").write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])
    pack(studies / "c").rename(studies / "c.7z")
    (studies / "c.7z").write_bytes(b"7z\xbc\xaf")
    for name, (make, _) in HOSTILE.items():
        make(studies / f"{name}.zip")
    assert report(studies, coords)[0] == 4
    found = reasons(tmp_path / "report.csv")
    assert found["a"] == found["d"] == {""}
    assert found["b"] == {"the zip file is damaged. Copy it anew."}
    assert found["c"] == {"of archives, only zip files are read. Unpack it into a folder."}
    for name, (_, reason) in HOSTILE.items():
        assert reason in next(iter(found[name])), name
    assert not list(tmp_path.rglob("evil*"))
    assert not Path("/tmp/evil").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="ends it as a terminal would")
def test_ctrl_c_leaves_nothing_of_a_zip_file_and_resume_goes_on(
    three_phantoms, tiny_model, report, scratch, tmp_path, monkeypatch
):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "endless"])
    assert report(studies, coords)[0] == 0
    whole = (tmp_path / "report.csv").read_bytes()
    (tmp_path / "report.csv").unlink()
    for name in ("a", "b", "endless"):
        pack(studies / name)
    # Its pixels are never read to their end.
    endless = str(sabotage(tmp_path / "sabotage"))
    with monkeypatch.context() as patched:
        patched.setenv("PYTHONPATH", endless, prepend=os.pathsep)
        first = subprocess.Popen(command(studies, coords, tiny_model, tmp_path / "report.csv"))
    journal = tmp_path / "report.csv.unfinished"
    try:
        wait_for(lambda: journal.exists() and b'"b"' in journal.read_bytes(), 90)
        wait_for(lambda: any(scratch.rglob("*.dcm")), 90)
        first.send_signal(signal.SIGINT)
        assert first.wait(90) == 130
    finally:
        first.kill()
    assert list(scratch.iterdir()) == []
    assert report(studies, coords, "--resume")[0] == 0
    assert (tmp_path / "report.csv").read_bytes() == whole

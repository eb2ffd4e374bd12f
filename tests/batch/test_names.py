"""Any name that the file system allows, from the listing to the last output."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.batch.studies import by_study, copies, read_report
from tests.tables import read_rows, write_rows

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="others refuse such names")

LATIN = [b"caf\xe9", b"caf\xe8", b"\xff\xfe", b"a\nb\x1b[2J", "größe".encode()]
SHOWN = ["caf%E9", "caf%E8", "%FF%FE", "a\nb\x1b[2J", "größe"]
# What could drive a terminal is replaced in tables.
IN_TABLES = ["caf%E9", "caf%E8", "%FF%FE", "a\nb?[2J", "größe"]


@pytest.fixture
def odd(three_phantoms, tmp_path):
    """Studies, folders of series and files whose names are no UTF-8, and one damaged file."""
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b", "c", "d", "e"])
    names = dict(zip("abcde", zip(LATIN, SHOWN, strict=True), strict=True))
    rows = [
        row | {"study_id": names[row["study_id"]][1], "series_id": ""} for row in read_rows(coords)
    ]
    write_rows(coords, rows)
    for name, (raw, _) in names.items():
        for series in (studies / name).iterdir():
            for path in series.iterdir():
                path.rename(path.with_name(os.fsdecode(b"\xfe" + os.fsencode(path.name))))
            (series / os.fsdecode(b"kaputt\xfd.dcm")).write_bytes(bytes(128) + b"DICM\x02\x00")
            series.rename(series.with_name(os.fsdecode(b"s\xe9rie")))
        (studies / name).rename(studies / os.fsdecode(raw))
    return studies, coords


def outputs(folder):
    names = {"html": "html", "jsonl": "jsonl", "parquet": "parquet"}
    return [part for kind, end in names.items() for part in (f"--{kind}", folder / f"o.{end}")]


def test_a_report_of_names_that_are_no_utf8(odd, report, tmp_path):
    studies, coords = odd
    folder = tmp_path / os.fsdecode(b"out\xff")
    folder.mkdir()
    renamed = coords.rename(coords.with_name(os.fsdecode(b"co\xffords.csv")))
    out = Path(folder.name, os.fsdecode(b"r\xe9port.csv"))
    code, printed, err = report(studies, renamed, "--debug", "--pages", *outputs(folder), out=out)
    assert (code, "fault" in err) == (0, False), err
    rows = by_study(tmp_path / out)
    assert {name: len(rows) for name, rows in rows.items()} == dict.fromkeys(IN_TABLES, 10)
    assert "0 not graded" in printed
    pages = (tmp_path / out).with_suffix(".pages")
    assert {path.stem for path in pages.iterdir()} == set(SHOWN)


def test_predict_says_the_same_of_such_a_study(odd, report, lss, tiny_model, tmp_path):
    studies, coords = odd
    model = tmp_path / os.fsdecode(b"mod\xe8ll.onnx")
    model.write_bytes(tiny_model.read_bytes())
    options = ["--coords", coords, "--model", model]
    files = {
        kind: tmp_path / os.fsdecode(f"o.{kind}".encode() + b"\xff") for kind in ("csv", "json")
    }
    files |= {kind: tmp_path / f"o.{kind}" for kind in ("html", "picture", "dicom-sr")}
    more = [part for kind, path in files.items() for part in (f"--{kind}", path)]
    for raw, shown, in_tables in zip(LATIN, SHOWN, IN_TABLES, strict=True):
        code, _, err = lss("predict", studies / os.fsdecode(raw), *options, *more, "--debug")
        assert code == 0, err
        assert {row["study_id"] for row in read_report(files["csv"])} == {in_tables}
        assert json.loads(files["json"].read_text())["study_id"] == shown
    code, _, _ = lss("report", studies, *options, "--out", tmp_path / "all.csv", "--workers", "1")
    assert code == 0


def test_halves_of_characters_in_a_table(three_phantoms, report, lss, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b"])
    entries = read_rows(coords)
    broken = [entries[0] | {key: "x\ud800"} for key in entries[0]]
    broken.append(entries[0] | {"more\udfff": "\udcff"})
    table = tmp_path / "coords.json"
    table.write_text(json.dumps([*entries[1:], *broken]))
    assert "\\ud800" in table.read_text()
    code, _, err = report(studies, table, "--html", tmp_path / "o.html")
    assert (code, "fault" in err) == (4, False)
    assert set(by_study(tmp_path / "report.csv")) == {"a", "b", "x%D800"}
    files = [
        "--csv",
        tmp_path / "o.csv",
        "--json",
        tmp_path / "o.json",
        "--html",
        tmp_path / "p.html",
    ]
    options = ["--coords", table, "--model", tiny_model]
    code, _, err = lss("predict", studies / "a", *options, *files)
    assert (code, "fault" in err) == (4, False)


def test_a_damaged_study_with_such_names(odd, report, tmp_path):
    studies, coords = odd
    study = studies / os.fsdecode(LATIN[0])
    for path in study.rglob("*.dcm"):
        if b"kaputt" not in os.fsencode(path):
            path.unlink()
    code, _, _ = report([study, studies / os.fsdecode(LATIN[1])], coords)
    assert code == 4
    rows = by_study(tmp_path / "report.csv")
    assert all("kaputt" in row["reason"] for row in rows["caf%E9"]) or rows["caf%E9"]
    assert {row["status"] for row in rows["caf%E8"]} == {"graded"}


LISTS = {
    "bytes of the system": b"caf\xe9\ngr\xc3\xb6\xc3\x9fe\n",
    "with a byte order mark": "\ufeffgröße\n".encode(),
    "Windows line ends": "größe\r\n".encode(),
    "UTF-16": "größe\r\n".encode("utf-16"),
    "UTF-16, big": b"\xfe\xff" + "größe\r\n".encode("utf-16-be"),
}


@pytest.mark.parametrize("content", LISTS.values(), ids=LISTS)
def test_lists_of_folders_in_whatever_encoding(odd, report, tmp_path, content):
    studies, coords = odd
    (studies / "list.txt").write_bytes(content)
    report(studies / "list.txt", coords)
    rows = by_study(tmp_path / "report.csv")
    assert {row["status"] for row in rows["größe"]} == {"graded"}
    assert {row["status"] for row in rows["caf%E9"]} == {
        "graded" if b"caf" in content else "not graded"
    }


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"a\ngr\xf6\xdfe\n", "line 2: this line is not UTF-8, and names no folder. Save"),
        (b"a\0b\n", "this is no text file that lists study folders. Save the list as UTF-8"),
        ("größe".encode("utf-16-le"), "Save the list as UTF-8"),
        (b"\xff\xfea", "Save the list as UTF-8"),
        (b"\n \n", "no study folder was found"),
    ],
)
def test_lists_that_cannot_be_read(odd, report, content, what):
    studies, coords = odd
    (studies / "list.txt").write_bytes(content)
    code, _, err = report(studies / "list.txt", coords)
    assert (code, what in err) == (3, True), err


def test_a_name_that_is_too_long_is_a_study_that_is_not_there(odd, report, tmp_path):
    studies, coords = odd
    (studies / "list.txt").write_text(f"{300 * 'x'}\n{5000 * 'y/'}z\ngröße\n")
    assert report(studies / "list.txt", coords)[0] == 4
    rows = by_study(tmp_path / "report.csv")
    assert {row["status"] for row in rows["größe"]} == {"graded"}
    assert {row["status"] for row in rows[300 * "x"]} == {"not graded"}


def test_links_to_studies_have_their_own_names(three_phantoms, report, lss, tiny_model, tmp_path):
    studies, coords = copies(three_phantoms, tmp_path, ["a", "b"])
    links = tmp_path / "links"
    links.mkdir()
    for link, target in {"a": "a", "b": "a", "x": "b"}.items():
        (links / link).symlink_to(studies / target)
    (links / "round").symlink_to("round")
    rows = read_rows(coords)
    a = [row for row in rows if row["study_id"] == "a"]
    b = [row for row in rows if row["study_id"] == "b"]
    write_rows(
        coords,
        [*a, *[row | {"study_id": "b"} for row in a], *[row | {"study_id": "x"} for row in b]],
    )
    assert report(links, coords)[0] == 0
    by_name = by_study(tmp_path / "report.csv")
    assert {name: len(rows) for name, rows in by_name.items()} == {"a": 10, "b": 10, "x": 10}
    assert [row["severe"] for row in by_name["a"]] == [row["severe"] for row in by_name["b"]]
    table = tmp_path / "x.csv"
    options = ("--coords", coords, "--model", tiny_model, "--csv", table)
    assert lss("predict", links / "x", *options)[0] == 0
    assert read_report(table) == by_name["x"]
    assert report([links / "a", links / "b", links / "x", links / "round"], coords)[0] == 4
    assert report([studies / "a", links / "x" / ".." / "b"], coords)[0] == 4

"""Folders of many studies, made of copies of a phantom, with damage planted among them."""

import csv
import os
import shutil
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pydicom

from tests.tables import read_rows, write_rows

Rows = list[dict[str, str]]

LEVELS = ["L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]


def copies(phantoms: Path, folder: Path, names: list[str]) -> tuple[Path, Path]:
    """Copies of the phantoms in turn, under these names, and one table of all their points."""
    originals = sorted((phantoms / "train_images").iterdir())
    rows = read_rows(phantoms / "train_label_coordinates.csv")
    by_study = {
        study.name: [row for row in rows if row["study_id"] == study.name] for study in originals
    }
    table: Rows = []
    for index, name in enumerate(names):
        original = originals[index % len(originals)]
        # Hard links keep a thousand studies small; whoever damages one replaces the file.
        shutil.copytree(original, folder / "studies" / name, copy_function=os.link)
        table += [row | {"study_id": name} for row in by_study[original.name]]
    write_rows(folder / "coords.csv", table)
    return folder / "studies", folder / "coords.csv"


def files(study: Path) -> list[Path]:
    return sorted(study.rglob("*.dcm"))


def rewrite(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def retag(study: Path, **tags: object) -> None:
    for path in files(study):
        ds = pydicom.dcmread(path)
        for keyword, value in tags.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)
        path.unlink()
        ds.save_as(path)


def cells(rows: Rows, **values: str) -> None:
    rows[0].update(values)


def everywhere(rows: Rows, **values: str) -> None:
    for row in rows:
        row.update(values)


def _other_study(study: Path) -> None:
    path = files(study)[0]
    ds = pydicom.dcmread(path)
    ds.StudyInstanceUID = "1.2.3"
    path.unlink()
    ds.save_as(path)


def _second_axial(study: Path) -> None:
    for path in files(study):
        ds = pydicom.dcmread(path)
        ds.SeriesInstanceUID = "1.2.3.4"
        ds.save_as(path.with_name(f"second-{path.name}"))


DAMAGE: dict[str, tuple[Callable[[Path], object], Callable[[Rows], object], str, int]] = {
    # name: (to the files, to the rows, what the reason says, how many of ten rows it costs)
    "empty": (lambda s: [p.unlink() for p in files(s)], lambda r: None, "the folder is empty", 10),
    "text": (
        lambda s: [rewrite(p, b"not DICOM") for p in files(s)],
        lambda r: None,
        "no DICOM image",
        10,
    ),
    "truncated": (
        lambda s: [rewrite(p, p.read_bytes()[:-500]) for p in files(s)],
        lambda r: None,
        "truncated or damaged",
        10,
    ),
    "header": (
        lambda s: [rewrite(p, p.read_bytes()[:400]) for p in files(s)],
        lambda r: None,
        "no DICOM image",
        10,
    ),
    "geometry": (
        lambda s: retag(s, ImageOrientationPatient=None),
        lambda r: None,
        "ImageOrientationPatient is missing",
        10,
    ),
    "spacing": (
        lambda s: retag(s, PixelSpacing=[0, 0]),
        lambda r: None,
        "PixelSpacing (0028,0030) is not",
        10,
    ),
    "huge": (lambda s: retag(s, Rows=65000, Columns=65000), lambda r: None, "GiB", 10),
    "colour": (lambda s: retag(s, SamplesPerPixel=3), lambda r: None, "colour", 10),
    "two-studies": (_other_study, lambda r: None, "2 studies", 10),
    "t1": (
        lambda s: retag(s, SeriesDescription="AX T1"),
        lambda r: everywhere(r, series_id=""),
        "no axial T2",
        10,
    ),
    "two-series": (_second_axial, lambda r: everywhere(r, series_id=""), "may be the axial T2", 10),
    "unnumbered": (lambda s: retag(s, InstanceNumber=None), lambda r: None, "not numbered", 10),
    "no-series": (lambda s: None, lambda r: cells(r, series_id="77"), "no series '77'", 1),
    "no-slice": (lambda s: None, lambda r: cells(r, instance_number="99"), "no instance 99", 1),
    "outside": (lambda s: None, lambda r: cells(r, x="9999"), "outside the slice", 1),
    "no-number": (lambda s: None, lambda r: cells(r, y="abc"), "'abc' is not a number", 1),
    "twice": (lambda s: None, lambda r: cells(r, level="L5/S1"), "2 times", 2),
    "no-level": (lambda s: None, lambda r: cells(r, level="L9"), "no point for this level", 1),
    "no-points": (lambda s: None, lambda r: r.clear(), "the table has no point of this", 10),
    "missing-row": (lambda s: None, lambda r: r.pop(0), "no point for this level", 1),
}


def plant(studies: Path, coords: Path) -> None:
    """Damage the studies that are named after a kind of damage."""
    table = read_rows(coords)
    rest = [row for row in table if row["study_id"] not in DAMAGE]
    for name, (to_files, to_rows, _, _) in DAMAGE.items():
        own = [row for row in table if row["study_id"] == name]
        to_files(studies / name)
        to_rows(own)
        rest += own
    write_rows(coords, rest)


def read_report(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sabotage(folder: Path) -> Path:
    """A folder for PYTHONPATH: in the workers, reading certain studies crashes or never ends."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        textwrap.dedent(
            """
            import os, signal, sys, time
            from pathlib import Path

            if sys.argv[0] == "-m":
                import lss_cli.study.pixels as pixels

                decode = pixels._decode

                def decode_or_die(slice_):
                    name = str(slice_.path)
                    if "studies/crashing/" in name:
                        os.kill(os.getpid(), signal.SIGSEGV)
                    if "/endless/" in name:
                        time.sleep(1000)
                    if "studies/unlucky/" in name:
                        mark = Path(name.split("studies/")[0]) / "was-here"
                        if not mark.exists():
                            mark.touch()
                            os.kill(os.getpid(), signal.SIGKILL)
                    return decode(slice_)

                pixels._decode = decode_or_die
            """
        )
    )
    return folder


def command(studies, coords, model, out, *more):
    code = "from lss_cli.cli.main import main; main()"
    options = ["--coords", coords, "--model", model, "--out", out, "--workers", "2", *more]
    return [sys.executable, "-c", code, "report", *map(str, [studies, *options])]


def by_study(path):
    rows = defaultdict(list)
    for row in read_report(path):
        rows[row["study_id"]].append(row)
    return rows


def check_damage(studies):
    for name, (_, _, reason, cost) in DAMAGE.items():
        bad = [row for row in studies[name] if row["status"] == "not graded"]
        complete = [row for row in studies[name] if row["level"] in LEVELS]
        assert len(complete) == 10, name
        assert len([row for row in bad if row in complete]) == cost, name
        assert any(reason in row["reason"] for row in bad), (name, bad[0]["reason"])

"""What a viewer would not notice changes no grade, or is warned of: nothing is silently wrong.

Each way stores the same study in other files. The last ones take something away that a reader may
miss: then a warning has to stand, or the level is not graded.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import StudyError
from lss_cli.grading.grade import grade_study
from lss_cli.grading.result import StudyGrade
from lss_cli.model.session import load_model
from lss_cli.points.point import Point
from lss_cli.study.study import read_study
from tests.dicom import (
    SAGITTAL,
    WAYS,
    axial_stack,
    image,
    moved,
    moved_point,
    multi_frame,
    set_pixels,
)
from tests.fuzz.oracle import BrokenError
from tests.models import write_tiny_model

SIZE = (64, 64)
HEIGHTS = (12, 8, 4, 0, -4, -8, -12)
POINTS = [
    (2, Condition.LEFT_SUBARTICULAR, Level.L2_L3, 36.5, 30),
    (4, Condition.LEFT_SUBARTICULAR, Level.L3_L4, 37, 31.25),
    (4, Condition.RIGHT_SUBARTICULAR, Level.L3_L4, 26, 31),
    (6, Condition.RIGHT_SUBARTICULAR, Level.L4_L5, 27, 32),
]
# As far as positions that are rounded in the sixth decimal may move a probability.
TOLERANCE = 2e-3


@dataclass
class Stored:
    """A study as it is about to be written, and the points in it."""

    datasets: list[Dataset]
    points: list[Point]
    names: Callable[[int], str] = "{}.dcm".format
    more: Callable[[Path], None] = lambda folder: None
    single: bool = True


def turn(random: Random, stored: Stored) -> None:
    """Flip, turn or transpose every slice, with its geometry and the points."""
    if not stored.single:
        return
    how = random.choice(list(WAYS.values()))
    stored.datasets = [moved(dataset, **how) for dataset in stored.datasets]
    for at, point in enumerate(stored.points):
        x, y = moved_point(point.x, point.y, SIZE, **how)
        stored.points[at] = replace(point, x=x, y=y)


def encode(random: Random, stored: Stored) -> None:
    """Another transfer syntax."""
    syntax = random.choice([ImplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless])
    for dataset in stored.datasets:
        if syntax == RLELossless and stored.single:
            dataset.compress(syntax, generate_instance_uid=False)
        elif syntax != RLELossless:
            dataset.file_meta.TransferSyntaxUID = syntax


def rename(random: Random, stored: Stored) -> None:
    """Other file names, folders and order."""
    style = random.choice(
        ["{:08x}", "a/{}/IM", "İ ü {}.DCM", "{}", "IM{}.ima", ".x/{}.dcm", "{}.dcm.bak"]
    )
    numbers = random.sample(range(1000), 50)
    stored.names = lambda at: style.format(numbers[at])


def add_tags(random: Random, stored: Stored) -> None:
    """Private tags, a patient, comments."""
    for dataset in stored.datasets:
        block = dataset.private_block(0x0029, f"MAKER {random.randrange(3)}", create=True)
        block.add_new(1, "LO", "x" * random.randrange(60))
        block.add_new(2, "OB", random.randbytes(2 * random.randrange(200)))
        dataset.PatientName = random.choice(["A^B", "Müller", "", "山田^太郎"])
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.ImageComments = random.choice(["T1", "sagittal", "5"])


def add_files(random: Random, stored: Stored) -> None:
    """Files that are no slices, and a file that is there twice."""

    def more(folder: Path) -> None:
        (folder / "README.txt").write_text("none")
        (folder / "empty.dcm").write_bytes(b"")
        (folder / "DICOMDIR").write_bytes(random.randbytes(300))
        stored.datasets[0].save_as(folder / "copy of it", enforce_file_format=True)

    stored.more = more


def renumber(random: Random, stored: Stored) -> None:
    """Other instance numbers, in the points too."""
    if not stored.single:
        return
    old = [int(dataset.InstanceNumber) for dataset in stored.datasets]
    new = dict(zip(old, random.sample(range(1, 500), len(old)), strict=True))
    for dataset in stored.datasets:
        dataset.InstanceNumber = new[int(dataset.InstanceNumber)]
    stored.points = [
        replace(point, instance_number=new[point.instance_number]) for point in stored.points
    ]


def rename_series(random: Random, stored: Stored) -> None:
    """New UIDs and another wording of what the series is."""
    series, study = generate_uid(), generate_uid()
    text = random.choice(["ax t2 tse", "T2 AXIAL", "AX T2 FSE", "t2_tse_tra_320", "Ax T2"])
    for dataset in stored.datasets:
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = series, study
        dataset.SeriesDescription = text


def shift(random: Random, stored: Stored) -> None:
    """The patient lies elsewhere in the scanner, each slice a thousandth of a millimetre off."""
    if not stored.single:
        return
    offset = [random.uniform(-200, 200) for _ in range(3)]
    for dataset in stored.datasets:
        dataset.ImagePositionPatient = [
            float(f"{value + by + random.uniform(-5e-4, 5e-4):.4f}")
            for value, by in zip(dataset.ImagePositionPatient, offset, strict=True)
        ]


def rescale(random: Random, stored: Stored) -> None:
    """Other stored values for the same brightness, up to a factor."""
    if not stored.single or any("RescaleSlope" in dataset for dataset in stored.datasets):
        return
    slope, intercept = random.choice([(2, 0), (0.5, -100), (1, -1024), (3.25, 7)])
    for dataset in stored.datasets:
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept


def invert(random: Random, stored: Stored) -> None:
    """MONOCHROME1: low values are bright."""
    for dataset in stored.datasets:
        if "RescaleSlope" in dataset:
            return
        set_pixels(dataset, 4095 - dataset.pixel_array)
        if not stored.single:
            dataset.NumberOfFrames = len(HEIGHTS)
        dataset.PhotometricInterpretation = "MONOCHROME1"


def join(random: Random, stored: Stored) -> None:
    """All slices in one enhanced file; points name the frame."""
    usual = all(
        dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian and
        dataset.PhotometricInterpretation == "MONOCHROME2" and "RescaleSlope" not in dataset
        for dataset in stored.datasets
    )  # fmt: skip
    if not usual or not stored.single:
        return
    frames = {int(dataset.InstanceNumber): at + 1 for at, dataset in enumerate(stored.datasets)}
    stored.datasets, stored.single = [multi_frame(stored.datasets)], False
    stored.points = [
        replace(point, instance_number=frames[point.instance_number]) for point in stored.points
    ]


def add_series(random: Random, stored: Stored) -> None:
    """A sagittal series, and an axial localizer."""
    side = image((0, 0, 0), SAGITTAL, series="9.1", description="SAG T2")
    scout = image((0, 0, 30), series="9.2", description="LOCALIZER")

    def more(folder: Path, before: Callable[[Path], None] = stored.more) -> None:
        before(folder)
        for at, dataset in enumerate((side, scout)):
            dataset.StudyInstanceUID = stored.datasets[0].StudyInstanceUID
            dataset.save_as(folder / f"other{at}.dcm", enforce_file_format=True)

    stored.more = more


def take_away(random: Random, stored: Stored) -> None:
    """A slice in between is missing."""
    if stored.single:
        named = {point.instance_number for point in stored.points}
        between = [one for one in stored.datasets if int(one.InstanceNumber) not in named]
        stored.datasets.remove(random.choice(between))


def blank(random: Random, stored: Stored) -> None:
    """A slice in between is of one value, as a broken transfer leaves it."""
    named = {point.instance_number for point in stored.points}
    between = [one for one in stored.datasets if int(one.InstanceNumber) not in named]
    if stored.single and between:
        dataset = random.choice(between)
        shape = (dataset.Rows, dataset.Columns)
        set_pixels(dataset, np.full(shape, random.choice([0, 0, 7]), np.uint16))


WAYS_TO_STORE = [
    *[turn, encode, rename, add_tags, add_files, renumber, rename_series, shift, rescale, invert],
    *[join, add_series],
]
WAYS_TO_LOSE = [take_away, blank]


def unnoticed(folder: Path) -> Any:
    """Grade one study again and again, each time stored in up to four other ways."""
    model = load_model(write_tiny_model(folder / "tiny.onnx"), threads=1)
    plain = axial_stack(HEIGHTS)
    originals = [_bytes(dataset) for dataset in plain]

    def fresh() -> Stored:
        datasets = [pydicom.dcmread(pydicom.filebase.DicomBytesIO(one)) for one in originals]
        return Stored(datasets, [Point("", "", number, *key) for number, *key in POINTS])

    def grade(stored: Stored) -> StudyGrade:
        study = folder / "study"
        shutil.rmtree(study, ignore_errors=True)
        for at, dataset in enumerate(stored.datasets):
            path = study / stored.names(at)
            path.parent.mkdir(parents=True, exist_ok=True)
            dataset.save_as(path, enforce_file_format=True)
        stored.more(study)
        return grade_study(read_study(study), stored.points, [], model)

    wanted = grade(fresh())
    before = {(row.condition, row.level): row for row in wanted.levels}
    assert all(row.probabilities for row in wanted.levels), wanted.levels

    def case(random: Random) -> None:
        stored = fresh()
        ways = random.sample(WAYS_TO_STORE, random.randint(1, 4))
        lossy = random.random() < 0.2
        todo = [*ways, *([random.choice(WAYS_TO_LOSE)] if lossy else [])]
        # What is compressed cannot be changed any more.
        for way in sorted(todo, key=lambda way: way is encode):
            way(random, stored)
        names = " ".join(way.__name__ for way in ways)
        try:
            result = grade(stored)
        except StudyError as error:
            if lossy:
                return
            raise BrokenError("refused", f"after {names}: {error}") from error
        for row in result.levels:
            old = before[row.condition, row.level]
            if row.probabilities is None:
                if not lossy:
                    raise BrokenError("not graded", f"after {names}: {row.reason}")
                continue
            moved_by = np.abs(np.subtract(row.probabilities, old.probabilities)).max()
            warned = set(row.warnings) - set(old.warnings) or set(result.notes) - set(wanted.notes)
            if moved_by > TOLERANCE and not warned:
                raise BrokenError(
                    f"silently wrong{', a slice lost' if lossy else ''}",
                    f"by {moved_by:.3f} after {names}",
                )
        if len(result.levels) != len(before):
            raise BrokenError("another number of levels", f"after {names}")

    return case


def _bytes(dataset: Dataset) -> bytes:
    buffer = pydicom.filebase.DicomBytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()

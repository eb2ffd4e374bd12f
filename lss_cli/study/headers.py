"""DICOM headers, read without pixels, become slices with a place in the patient."""

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from lss_cli.study.geometry import Geometry

TAGS = [
    Tag(keyword)
    for keyword in (
        "BitsAllocated",
        "Columns",
        "EchoTime",
        "EffectiveEchoTime",
        "ImageOrientationPatient",
        "ImagePositionPatient",
        "InstanceNumber",
        "Modality",
        "NumberOfFrames",
        "PerFrameFunctionalGroupsSequence",
        "PhotometricInterpretation",
        "PixelSpacing",
        "RepetitionTime",
        "RescaleIntercept",
        "RescaleSlope",
        "Rows",
        "SamplesPerPixel",
        "SeriesDescription",
        "SeriesInstanceUID",
        "SharedFunctionalGroupsSequence",
        "SOPInstanceUID",
        "StudyInstanceUID",
    )
]

# Outside of this no pixel spacing of a body MRI lies; such a value would ask for absurd arrays.
SPACING_MM = (0.05, 10.0)


@dataclass(frozen=True, eq=False)
class Slice:
    """One image: a file, or one frame of a multi-frame file.

    Attributes:
        number: InstanceNumber; in a multi-frame file the frame, counted from 1. ``None`` where
            the file does not say.
        frame: Index of the frame in a multi-frame file, counted from 0.
        array_bytes: What the decoded pixels of the whole file would take, by its header.
        rescale: Slope and intercept.
        inverted: Small values are bright (MONOCHROME1).
    """

    path: Path
    number: int | None
    frame: int | None
    sop_instance_uid: str
    geometry: Geometry
    transfer_syntax: str
    array_bytes: int
    samples: int
    rescale: tuple[float, float]
    inverted: bool


@dataclass(frozen=True)
class File:
    """What one DICOM image file says of its study and series, and its slices."""

    path: Path
    study_uid: str
    series_uid: str
    description: str
    echo_time: float | None
    repetition_time: float | None
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class Skipped:
    """A DICOM file that holds no usable slice, and why."""

    path: Path
    reason: str


@contextmanager
def tolerant() -> Iterator[None]:
    """Read what breaks the standard without pydicom's remarks on it, which may repeat its text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def scan(folder: Path) -> Iterator[File | Skipped]:
    """Read the headers of all DICOM files in a folder and those below it, in order of their names.

    Files that are not DICOM, and DICOM files without an image, are passed over in silence.
    """
    for path in sorted(folder.rglob("*")):
        if stat.S_ISREG(path.stat().st_mode) if path.exists() else False:
            found = read_file(path)
            if found is not None:
                yield found


def read_file(path: Path) -> File | Skipped | None:
    """Read one file's header; ``None`` when it is not a DICOM image."""
    with tolerant():
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
        except InvalidDicomError:
            return None
        except OSError as error:
            return Skipped(path, f"it cannot be read ({error.strerror})")
        except Exception:
            # pydicom raises whatever its parser stumbles over; the file is damaged all the same.
            return Skipped(path, "its header is damaged")
        if "Rows" not in header:
            return None
        try:
            return _file(path, header)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            return Skipped(path, f"it does not say where its image lies in the patient ({error})")


def _file(path: Path, header: Dataset) -> File:
    groups = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    frames = int(header.get("NumberOfFrames") or 1)
    if len(groups) != frames and (groups or frames > 1):
        raise ValueError("a multi-frame file without a position for every frame")
    nested: list[tuple[Dataset, ...]] = [(group, shared, header) for group in groups] or [(header,)]
    slices = tuple(
        _slice(path, header, levels, index if frames > 1 else None)
        for index, levels in enumerate(nested)
    )
    first = nested[0]
    return File(
        path=path,
        study_uid=str(header.get("StudyInstanceUID") or ""),
        series_uid=str(header.get("SeriesInstanceUID") or ""),
        description=str(header.get("SeriesDescription") or ""),
        echo_time=_number(_find(first, "MREchoSequence", "EffectiveEchoTime"))
        or _number(_find(first, "", "EchoTime")),
        repetition_time=_number(
            _find(first, "MRTimingAndRelatedParametersSequence", "RepetitionTime")
        ),
        slices=slices,
    )


def _slice(path: Path, header: Dataset, levels: tuple[Dataset, ...], frame: int | None) -> Slice:
    number = header.get("InstanceNumber") if frame is None else frame + 1
    slope = _number(_find(levels, "PixelValueTransformationSequence", "RescaleSlope"))
    intercept = _number(_find(levels, "PixelValueTransformationSequence", "RescaleIntercept"))
    samples = int(header.get("SamplesPerPixel") or 1)
    bits = int(header.get("BitsAllocated") or 16)
    frames = int(header.get("NumberOfFrames") or 1)
    meta = getattr(header, "file_meta", Dataset())
    return Slice(
        path=path,
        number=None if number is None or number == "" else int(number),
        frame=frame,
        sop_instance_uid=str(header.get("SOPInstanceUID") or ""),
        geometry=_geometry(header, levels),
        transfer_syntax=str(meta.get("TransferSyntaxUID") or "1.2.840.10008.1.2"),
        array_bytes=int(header.Rows) * int(header.Columns) * samples * frames * bits // 8,
        samples=samples,
        rescale=(1.0 if slope is None else slope, 0.0 if intercept is None else intercept),
        inverted=header.get("PhotometricInterpretation") == "MONOCHROME1",
    )


def _geometry(header: Dataset, levels: tuple[Dataset, ...]) -> Geometry:
    orientation = _vector(levels, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    position = _vector(levels, "PlanePositionSequence", "ImagePositionPatient", 3)
    spacing = _vector(levels, "PixelMeasuresSequence", "PixelSpacing", 2)
    row, column = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not np.allclose(lengths, 1, atol=0.01) or abs(row @ column) > 0.01:
        raise ValueError("ImageOrientationPatient (0020,0037) holds no two upright unit vectors")
    if not all(SPACING_MM[0] <= value <= SPACING_MM[1] for value in spacing):
        raise ValueError(f"PixelSpacing (0028,0030) is not {SPACING_MM[0]} to {SPACING_MM[1]} mm")
    return Geometry(
        position=position,
        row=row / lengths[0],
        column=column / lengths[1],
        # DICOM names the distance of two rows first (PS3.3 10.7.1.3).
        spacing_mm=(float(spacing[1]), float(spacing[0])),
        size=(int(header.Columns), int(header.Rows)),
    )


def _vector(levels: tuple[Dataset, ...], sequence: str, keyword: str, length: int) -> Any:
    value = _find(levels, sequence, keyword)
    if value is None or value == "":
        raise ValueError(f"{keyword} is missing")
    vector = np.array([float(part) for part in value])
    if vector.shape != (length,) or not np.isfinite(vector).all():
        raise ValueError(f"{keyword} does not hold {length} numbers")
    return vector


def _find(levels: tuple[Dataset, ...], sequence: str, keyword: str) -> Any:
    """A value from the frame's own group, the shared group or the file, whichever has it first."""
    for level in levels:
        inner = (level.get(sequence) or [Dataset()])[0] if sequence else level
        for dataset in (inner, level):
            if keyword in dataset:
                return dataset[keyword].value
    return None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None

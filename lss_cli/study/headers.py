"""DICOM headers, read without pixels, become slices with a place in the patient."""

import math
import os
import stat
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from lss_cli.study.geometry import Geometry
from lss_cli.study.plain import DEFLATED, WINDOW, read_plain, tags

KEYWORDS = (
    "BitsAllocated",
    "BitsStored",
    "Columns",
    "EchoTime",
    "EffectiveEchoTime",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "HighBit",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "InstanceNumber",
    "Modality",
    "NumberOfFrames",
    "PerFrameFunctionalGroupsSequence",
    "PhotometricInterpretation",
    "PixelRepresentation",
    "PixelSpacing",
    "PlanarConfiguration",
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
TAGS = tags(KEYWORDS)

PIXEL_OPTIONS = {
    "bits_allocated": "BitsAllocated",
    "bits_stored": "BitsStored",
    "columns": "Columns",
    "photometric_interpretation": "PhotometricInterpretation",
    "pixel_representation": "PixelRepresentation",
    "planar_configuration": "PlanarConfiguration",
    "rows": "Rows",
    "samples_per_pixel": "SamplesPerPixel",
}
"""What pydicom's decoders ask for, and where it stands."""

Header = Dataset | Mapping[str, Any]
"""Both know ``get`` and ``in`` for keywords."""

# Outside of this no pixel spacing of a body MRI lies; such a value would ask for absurd arrays.
SPACING_MM = (0.05, 10.0)
FARTHEST_MM = 10_000.0


class HeaderError(ValueError):
    """What is wrong with a header; its text is meant for the user."""


@dataclass(frozen=True, eq=False)
class Slice:
    """One image: a file, or one frame of a multi-frame file.

    Attributes:
        instance_number: InstanceNumber; in a multi-frame file the frame, counted from 1. ``None``
            where the file does not say.
        frame: Index of the frame in a multi-frame file, counted from 0.
        array_bytes: What the decoded pixels of the whole file would take, by its header.
        rescale: Slope and intercept.
        inverted: Small values are bright (MONOCHROME1).
        pixels_at: Where in the file the element with the pixels begins.
        pixel_options: What pydicom's decoders want to know of the pixels.
    """

    path: Path
    instance_number: int | None
    frame: int | None
    sop_instance_uid: str
    geometry: Geometry
    transfer_syntax: str
    array_bytes: int
    samples: int
    rescale: tuple[float, float]
    inverted: bool
    pixels_at: int
    pixel_options: Mapping[str, Any]


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
def silence_pydicom() -> Iterator[None]:
    """Read what breaks the standard without pydicom's remarks on it, which may repeat its text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def scan(folder: Path) -> Iterator[File | Skipped]:
    """Read the headers of all DICOM files in a folder and those below it, in order of their names.

    Files that are not DICOM, and DICOM files without an image, are passed over in silence; links
    to other folders are not followed.
    """
    unreadable: list[Skipped] = []

    def note(error: OSError) -> None:
        path = Path(error.filename or folder)
        unreadable.append(Skipped(path, f"the folder cannot be read ({error.strerror})"))

    paths = [
        Path(parent, name) for parent, _, names in os.walk(folder, onerror=note) for name in names
    ]
    for path in sorted(paths):
        try:
            regular = stat.S_ISREG(path.stat().st_mode)
        except OSError:
            # A link to nowhere, or a folder that lists its files but does not let them be read.
            continue
        found = read_file(path) if regular else None
        if found is not None:
            yield found
    yield from unreadable


def read_file(path: Path) -> File | Skipped | None:
    """Read one file's header; ``None`` when it is not a DICOM image."""
    with silence_pydicom():
        try:
            header, syntax, pixels_at, cut_off = _read(path)
            if "Rows" in header:
                return _file(path, header, syntax, pixels_at)
            reason = "its header is incomplete" if cut_off else ""
        except InvalidDicomError:
            reason = ""
        except HeaderError as error:
            reason = str(error)
        except OSError as error:
            reason = f"it cannot be read ({error.strerror})"
        except Exception:
            # pydicom raises whatever it stumbles over, also when a value is first looked at.
            reason = "its header is damaged"
    return Skipped(path, reason) if reason else None


def _read(path: Path) -> tuple[Header, str, int, bool]:
    """The elements of `KEYWORDS`, the transfer syntax, where the pixels begin, whether it is cut.

    Cut means that the file says to be an image, and ends before it is described.
    """
    with path.open("rb") as file:
        start = file.read(WINDOW)
        plain = read_plain(start, TAGS)
        if plain:
            return *plain, False
        if DEFLATED.encode() in start[:1024]:
            # To inflate a few bytes could take gigabytes.
            raise HeaderError(f"its transfer syntax {UID(DEFLATED).name} is not supported")
        file.seek(0)
        # Older exports begin with their first element, in group 2 or 8.
        bare = start[:2] in (b"\x02\x00", b"\x08\x00")
        header = pydicom.dcmread(
            file, stop_before_pixels=True, specific_tags=list(TAGS), force=bare
        )
        meta = getattr(header, "file_meta", Dataset())
        syntax = str(meta.get("TransferSyntaxUID") or _guessed(start, bare))
        image = UID(str(meta.get("MediaStorageSOPClassUID") or "")).name.endswith("Image Storage")
        return header, syntax, file.tell(), image or not (bare or meta)


def _guessed(start: bytes, bare: bool) -> str:
    """The syntax of a file that does not name it: explicit where a VR follows the first tag."""
    explicit = bare and start[4:6].isalpha() and start[4:6].isupper()
    return str(ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian)


def _file(path: Path, header: Header, syntax: str, pixels_at: int) -> File:
    groups = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    frames = int(header.get("NumberOfFrames") or 1)
    if len(groups) != frames and (groups or frames > 1):
        raise HeaderError("it has several frames, and no position for every one of them")
    nested: list[tuple[Header, ...]] = [(group, shared, header) for group in groups] or [(header,)]
    slices = tuple(
        _slice(path, header, levels, index if frames > 1 else None, syntax, pixels_at)
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


def _slice(
    path: Path,
    header: Header,
    levels: tuple[Header, ...],
    frame: int | None,
    syntax: str,
    pixels_at: int,
) -> Slice:
    number = header.get("InstanceNumber") if frame is None else frame + 1
    slope = _number(_find(levels, "PixelValueTransformationSequence", "RescaleSlope"))
    intercept = _number(_find(levels, "PixelValueTransformationSequence", "RescaleIntercept"))
    samples = int(header.get("SamplesPerPixel") or 1)
    bits = int(header.get("BitsAllocated") or 16)
    frames = int(header.get("NumberOfFrames") or 1)
    rows, columns = _size(header)
    return Slice(
        path=path,
        instance_number=_whole(number),
        frame=frame,
        sop_instance_uid=str(header.get("SOPInstanceUID") or ""),
        geometry=_geometry(header, levels),
        transfer_syntax=syntax,
        array_bytes=rows * columns * samples * frames * bits // 8,
        samples=samples,
        rescale=(1.0 if slope is None else slope, 0.0 if intercept is None else intercept),
        inverted=header.get("PhotometricInterpretation") == "MONOCHROME1",
        pixels_at=pixels_at,
        pixel_options=_pixel_options(header, frames),
    )


def _pixel_options(header: Header, frames: int) -> dict[str, Any]:
    options = {name: header.get(keyword) for name, keyword in PIXEL_OPTIONS.items()}
    allocated = options["bits_allocated"] or 16
    stored = options["bits_stored"] or allocated
    if header.get("HighBit") not in {None, stored - 1}:
        raise HeaderError("HighBit (0028,0102) is not BitsStored − 1, as the standard wants it")
    # Grey and unsigned unless it says otherwise, as MRI is.
    options |= {
        "bits_stored": stored,
        "photometric_interpretation": options["photometric_interpretation"] or "MONOCHROME2",
        "pixel_representation": options["pixel_representation"] or 0,
        "samples_per_pixel": options["samples_per_pixel"] or 1,
    }
    if "ExtendedOffsetTable" in header:
        tables = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
        options["extended_offsets"] = tuple(header.get(one) for one in tables)
    return {name: value for name, value in options.items() if value is not None} | {
        "number_of_frames": frames
    }


def _size(header: Header) -> tuple[int, int]:
    rows, columns = header.get("Rows"), header.get("Columns")
    if not rows or not columns:
        raise HeaderError("Rows (0028,0010) or Columns (0028,0011) is missing or 0")
    return int(rows), int(columns)


def _geometry(header: Header, levels: tuple[Header, ...]) -> Geometry:
    orientation = _vector(levels, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    position = _vector(levels, "PlanePositionSequence", "ImagePositionPatient", 3)
    spacing = _vector(levels, "PixelMeasuresSequence", "PixelSpacing", 2)
    row, column = orientation[:3], orientation[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    upright = abs(sum(a * b for a, b in zip(row, column, strict=True))) <= 0.01
    if not upright or max(abs(1 - length) for length in lengths) > 0.01:
        raise HeaderError(
            "ImageOrientationPatient (0020,0037) does not hold two unit vectors at a right angle"
        )
    if not all(SPACING_MM[0] <= value <= SPACING_MM[1] for value in spacing):
        raise HeaderError(f"PixelSpacing (0028,0030) is not {SPACING_MM[0]} to {SPACING_MM[1]} mm")
    if max(map(abs, position)) > FARTHEST_MM:
        raise HeaderError("ImagePositionPatient (0020,0032) lies far outside of any scanner")
    rows, columns = _size(header)
    return Geometry(
        position=np.array(position),
        row_cosine=np.array(row) / lengths[0],
        column_cosine=np.array(column) / lengths[1],
        # DICOM names the distance of two rows first (PS3.3 10.7.1.3).
        spacing_mm=(spacing[1], spacing[0]),
        size=(columns, rows),
    )


def _vector(levels: tuple[Header, ...], sequence: str, keyword: str, length: int) -> list[float]:
    value = _find(levels, sequence, keyword)
    if value is None or value == "":
        raise HeaderError(f"{keyword} is missing, so its place in the patient is not known")
    try:
        vector = [float(part) for part in value]
    except (TypeError, ValueError, OverflowError):
        vector = []
    if len(vector) != length or not all(map(math.isfinite, vector)):
        raise HeaderError(f"{keyword} does not hold {length} numbers")
    return vector


def _find(levels: tuple[Header, ...], sequence: str, keyword: str) -> Any:
    """A value from the frame's own group, the shared group or the file, whichever has it first."""
    for level in levels:
        inner = level.get(sequence) if sequence and sequence in level else None
        for dataset in (inner[0], level) if inner else (level,):
            if keyword in dataset:
                return dataset.get(keyword)
    return None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or number != int(number) else int(number)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

"""One slice, and what its header says of it: where it lies, and how its pixels are stored."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from lss_cli.study.geometry import Geometry

# What pydicom's decoders ask for, and where it stands.
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

# Both know ``get`` and ``in`` for keywords.
Header = Dataset | Mapping[str, Any]

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
        padding: The least and the largest stored value that stand for "no picture here".
        pixel_data_offset: Where in the file the element with the pixels begins.
        pixel_options: What pydicom's decoders want to know of the pixels.
    """

    path: Path
    instance_number: int | None
    frame: int | None
    sop_instance_uid: str
    geometry: Geometry
    transfer_syntax: str
    array_bytes: int
    samples_per_pixel: int
    rescale: tuple[float, float]
    inverted: bool
    padding: tuple[int, int] | None
    pixel_data_offset: int
    pixel_options: Mapping[str, Any]

    def is_same_as(self, other: "Slice") -> bool:
        """Whether both say to be one and the same slice, whatever their pixels are."""
        return self.identity is not None and self.identity == other.identity

    @cached_property
    def identity(self) -> tuple[object, ...] | None:
        """By what a slice is known; ``None`` where its file has no SOPInstanceUID.

        The UID alone does not tell: some anonymised exports have one for all slices.
        """
        if not self.sop_instance_uid:
            return None
        position = tuple(np.round(self.geometry.position, 3).tolist())
        return self.sop_instance_uid, self.frame, self.instance_number, position


def make_slice(
    path: Path,
    header: Header,
    groups: tuple[Header, ...],
    frame: int | None,
    syntax: str,
    pixel_data_offset: int,
) -> Slice:
    """Make the slice that a file or one of its frames holds.

    Args:
        path: The file.
        header: Its elements.
        groups: Where a value may stand: the frame's functional groups, the shared ones and the
            file itself, in this order.
        frame: Index of the frame in a multi-frame file, else ``None``.
        syntax: The transfer syntax.
        pixel_data_offset: Where in the file the element with the pixels begins.

    Raises:
        HeaderError: The header does not say where the slice lies, or says what cannot be.
    """
    number = header.get("InstanceNumber") if frame is None else frame + 1
    slope = to_float(find_value(groups, "PixelValueTransformationSequence", "RescaleSlope"))
    intercept = to_float(find_value(groups, "PixelValueTransformationSequence", "RescaleIntercept"))
    samples = int(header.get("SamplesPerPixel") or 1)
    bits = int(header.get("BitsAllocated") or 16)
    frames = int(header.get("NumberOfFrames") or 1)
    rows, columns = _size(header)
    return Slice(
        path=path,
        instance_number=_to_int(number),
        frame=frame,
        sop_instance_uid=str(header.get("SOPInstanceUID") or ""),
        geometry=_make_geometry(header, groups),
        transfer_syntax=syntax,
        array_bytes=rows * columns * samples * frames * bits // 8,
        samples_per_pixel=samples,
        rescale=(1.0 if slope is None else slope, 0.0 if intercept is None else intercept),
        inverted=header.get("PhotometricInterpretation") == "MONOCHROME1",
        padding=_padding(header, bits),
        pixel_data_offset=pixel_data_offset,
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
        options["extended_offsets"] = tuple(header.get(table) for table in tables)
    return {name: value for name, value in options.items() if value is not None} | {
        "number_of_frames": frames
    }


def _padding(header: Header, bits: int) -> tuple[int, int] | None:
    """The range of PixelPaddingValue and PixelPaddingRangeLimit (PS3.3 C.7.5.1.1.2)."""
    first = _to_int(header.get("PixelPaddingValue"))
    last = _to_int(header.get("PixelPaddingRangeLimit"))
    if first is None:
        return None
    ends = [first, first if last is None else last]
    if header.get("PixelRepresentation"):
        # Some write a negative value as an unsigned one.
        ends = [end - (1 << bits) if end >= 1 << (bits - 1) else end for end in ends]
    return min(ends), max(ends)


def _size(header: Header) -> tuple[int, int]:
    rows, columns = header.get("Rows"), header.get("Columns")
    if not rows or not columns:
        raise HeaderError("Rows (0028,0010) or Columns (0028,0011) is missing or 0")
    return int(rows), int(columns)


def _make_geometry(header: Header, groups: tuple[Header, ...]) -> Geometry:
    orientation = _find_vector(groups, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    position = _find_vector(groups, "PlanePositionSequence", "ImagePositionPatient", 3)
    spacing = _find_vector(groups, "PixelMeasuresSequence", "PixelSpacing", 2)
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


def _find_vector(
    groups: tuple[Header, ...], sequence: str, keyword: str, length: int
) -> list[float]:
    value = find_value(groups, sequence, keyword)
    if value is None or value == "":
        raise HeaderError(f"{keyword} is missing, so its place in the patient is not known")
    try:
        vector = [float(part) for part in value]
    except (TypeError, ValueError, OverflowError):
        vector = []
    if len(vector) != length or not all(map(math.isfinite, vector)):
        raise HeaderError(f"{keyword} does not hold {length} numbers")
    return vector


def find_value(groups: tuple[Header, ...], sequence: str, keyword: str) -> Any:
    """The value of the first group that has it, in `sequence` or beside it; else ``None``."""
    for group in groups:
        inner = group.get(sequence) if sequence and sequence in group else None
        for dataset in (inner[0], group) if inner else (group,):
            if keyword in dataset:
                return dataset.get(keyword)
    return None


def _to_int(value: Any) -> int | None:
    number = to_float(value)
    return None if number is None or number != int(number) else int(number)


def to_float(value: Any) -> float | None:
    """A finite number, ``None`` for anything else."""
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

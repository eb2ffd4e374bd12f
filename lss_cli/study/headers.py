"""The DICOM files of a folder, their headers read without pixels."""

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from lss_cli.study.plain import DEFLATED, WINDOW, read_plain, tags
from lss_cli.study.slice import Header, HeaderError, Slice, find_value, make_slice, to_float
from lss_cli.text import printable

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
    "PixelPaddingRangeLimit",
    "PixelPaddingValue",
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

# Of what is read before the pixels, values that are skipped aside. A header of a thousand frames
# takes 5 MB and 80,000 readings; those allowed take a second.
LARGEST_HEADER_BYTES = 2**23
MOST_READINGS = 2**17


@dataclass(frozen=True)
class ImageFile:
    """What one DICOM image file says of its study and series, and its slices."""

    path: Path
    study_uid: str
    series_uid: str
    description: str
    echo_time: float | None
    repetition_time: float | None
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class SkippedFile:
    """A DICOM file that holds no usable slice, and why.

    Attributes:
        name: Its series and instance number; in results instead of the file's name, which is
            often the patient's.
    """

    path: Path
    reason: str
    name: str = "a file without series and instance number"


class _BoundedFile:
    """A file for pydicom's reader, which would follow a damaged header to the end of the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bytes_left, self._readings_left = LARGEST_HEADER_BYTES, MOST_READINGS
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes.

        Raises:
            HeaderError: More was read by now than any header holds.
        """
        self._bytes_left -= size if size >= 0 else LARGEST_HEADER_BYTES
        self._readings_left -= 1
        if self._bytes_left < 0 or self._readings_left < 0:
            raise HeaderError("its header is too long; it is damaged")
        return self._file.read(size)


@contextmanager
def silence_pydicom() -> Iterator[None]:
    """Read what breaks the standard without pydicom's remarks on it, which may repeat its text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def scan_folder(folder: Path) -> Iterator[ImageFile | SkippedFile]:
    """Read the headers of all DICOM files in a folder and those below it, in order of their names.

    Files that are not DICOM, and DICOM files without an image, are passed over in silence; links
    to other folders are not followed.
    """
    unreadable: list[SkippedFile] = []

    def note(error: OSError) -> None:
        path = Path(error.filename or folder)
        unreadable.append(
            SkippedFile(path, f"it cannot be read ({error.strerror})", "a folder in it")
        )

    paths = [
        Path(parent, name) for parent, _, names in os.walk(folder, onerror=note) for name in names
    ]
    for path in sorted(paths):
        try:
            regular = stat.S_ISREG(path.stat().st_mode)
        except OSError:
            # A link to nowhere, or a folder that lists its files but does not let them be read.
            continue
        file = read_file(path) if regular else None
        if file is not None:
            yield file
    yield from unreadable


def read_file(path: Path) -> ImageFile | SkippedFile | None:
    """Read one file's header; ``None`` when it is not a DICOM image."""
    header: Header = {}
    with silence_pydicom():
        try:
            header, syntax, pixel_data_offset, cut_off = _read_elements(path)
            if "Rows" in header:
                return _make_file(path, header, syntax, pixel_data_offset)
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
        return _skip(path, reason, header) if reason else None


def _skip(path: Path, reason: str, header: Header) -> SkippedFile:
    try:
        series = str(header.get("SeriesInstanceUID") or "").rpartition(".")[2]
        number = header.get("InstanceNumber")
    except Exception:
        # As above: a value that is looked at for the first time.
        return SkippedFile(path, reason)
    words = [f"series {printable(series)}"] if series else []
    words += [f"instance {printable(number)}"] if number is not None else []
    return SkippedFile(path, reason, ", ".join(words)) if words else SkippedFile(path, reason)


def _read_elements(path: Path) -> tuple[Header, str, int, bool]:
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
        bounded: Any = _BoundedFile(file)
        header = pydicom.dcmread(
            bounded, stop_before_pixels=True, specific_tags=list(TAGS), force=bare
        )
        meta = getattr(header, "file_meta", Dataset())
        syntax = str(meta.get("TransferSyntaxUID") or _guess_syntax(start, bare))
        image = UID(str(meta.get("MediaStorageSOPClassUID") or "")).name.endswith("Image Storage")
        return header, syntax, file.tell(), image or not (bare or meta)


def _guess_syntax(start: bytes, bare: bool) -> str:
    """The syntax of a file that does not name it: explicit where a VR follows the first tag."""
    explicit = bare and start[4:6].isalpha() and start[4:6].isupper()
    return str(ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian)


def _make_file(path: Path, header: Header, syntax: str, pixel_data_offset: int) -> ImageFile:
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    frames = int(header.get("NumberOfFrames") or 1)
    if len(per_frame) != frames and (per_frame or frames > 1):
        raise HeaderError("it has several frames, and no position for every one of them")
    # Where the values of each frame may stand; a plain file has one frame.
    frame_groups: list[tuple[Header, ...]] = [(group, shared, header) for group in per_frame]
    frame_groups = frame_groups or [(header,)]
    slices = tuple(
        make_slice(path, header, groups, index if frames > 1 else None, syntax, pixel_data_offset)
        for index, groups in enumerate(frame_groups)
    )
    first = frame_groups[0]
    return ImageFile(
        path=path,
        study_uid=str(header.get("StudyInstanceUID") or ""),
        series_uid=str(header.get("SeriesInstanceUID") or ""),
        description=str(header.get("SeriesDescription") or ""),
        echo_time=to_float(find_value(first, "MREchoSequence", "EffectiveEchoTime"))
        or to_float(find_value(first, "", "EchoTime")),
        repetition_time=to_float(
            find_value(first, "MRTimingAndRelatedParametersSequence", "RepetitionTime")
        ),
        slices=slices,
    )

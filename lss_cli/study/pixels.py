"""The pixels of a slice, decoded when they are needed."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from lss_cli.errors import StudyError
from lss_cli.extras import install_package
from lss_cli.slices import Float32Array
from lss_cli.study import isolated
from lss_cli.study.codestream import picture_bits, picture_size
from lss_cli.study.headers import silence_pydicom
from lss_cli.study.slice import Slice
from lss_cli.text import printable

# A lumbar MRI series takes some tens of MiB; a header that asks for more than this is damaged
# or hostile.
LARGEST_ARRAY_BYTES = 2**30
# Scanners write up to 1024², interpolated; a point takes some 40 bytes per pixel and slice.
LARGEST_SLICE_PIXELS = 2048**2

PIXEL_DATA = (0x7FE0, 0x0010)


@dataclass(frozen=True)
class Decoder:
    """Who decodes a family of transfer syntaxes here.

    Attributes:
        plugin: pydicom's name for it; named, since pydicom would also try GDCM, which crops a
            picture that is larger than its header says, and ends the process on damaged ones.
        package: What to install when it is missing.
    """

    plugin: str
    package: str


JPEG_LS = Decoder("pyjpegls", "pyjpegls")
JPEG_2000 = Decoder("pylibjpeg", "pylibjpeg pylibjpeg-openjpeg")
GDCM = Decoder("gdcm", "python-gdcm")

# By the begin of the transfer syntax (PS3.6 table A-1).
COMPRESSED = {
    "1.2.840.10008.1.2.4.5": GDCM,
    "1.2.840.10008.1.2.4.7": GDCM,
    "1.2.840.10008.1.2.4.8": JPEG_LS,
    "1.2.840.10008.1.2.4.9": JPEG_2000,
    "1.2.840.10008.1.2.4.20": JPEG_2000,
}


class DamagedError(ValueError):
    """What we found to be wrong before a decoder did; its text is meant for the user."""


def read_pixels(slice_: Slice) -> Float32Array:
    """Decode one slice and apply its rescale, in the one orientation (rows × columns).

    Raises:
        StudyError: The file is truncated or damaged, is a colour picture, is larger than what a
            scanner writes, or nothing here decodes its transfer syntax.
    """
    where = _where(slice_)
    if slice_.array_bytes > LARGEST_ARRAY_BYTES:
        raise StudyError(
            f"by its header the pixels would need {slice_.array_bytes / 2**30:.1f} GiB, "
            f"more than the {LARGEST_ARRAY_BYTES // 2**30} GiB allowed.",
            where=where,
            todo="Check Rows, Columns and NumberOfFrames, or export the series again.",
        )
    width, height = slice_.geometry.size
    if width * height > LARGEST_SLICE_PIXELS:
        raise StudyError(
            f"by its header the slice has {width} × {height} pixels, more than any MRI slice.",
            where=where,
            todo="Check Rows and Columns, or export the series again.",
        )
    if slice_.samples_per_pixel != 1:
        raise StudyError("this is a colour picture, not an MRI slice.", where=where)
    try:
        with silence_pydicom():
            pixels = _decode(slice_)
    except (NotImplementedError, RuntimeError) as error:
        raise _decoding_error(slice_, where, error) from error
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        IndexError,
        InvalidDicomError,
        KeyError,
        MemoryError,
        OSError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise _damage_error(where, str(error) if isinstance(error, DamagedError) else "") from error
    if pixels.shape != slice_.geometry.size[::-1]:
        raise _damage_error(where, "another size than the header says")
    slope, intercept = slice_.rescale
    if slice_.inverted:
        slope, intercept = -slope, -intercept
    values = pixels.astype(np.float32)
    if (slope, intercept) != (1, 0):
        with np.errstate(all="ignore"):
            values = values * np.float32(slope) + np.float32(intercept)
    if not np.isfinite(values).all():
        raise _damage_error(where, "values that are no numbers")
    if slice_.padding:
        _darken_padding(values, pixels, slice_.padding)
    return np.ascontiguousarray(slice_.geometry.orientation.orient_pixels(values))


def remember_pixels(most: int | None = None) -> Callable[[Slice], Float32Array]:
    """Make a `read_pixels` that decodes no slice twice, be it damaged or not.

    Args:
        most: How many slices it remembers; by default all.
    """

    @lru_cache(most)
    def decode(slice_: Slice) -> Float32Array | StudyError:
        try:
            return read_pixels(slice_)
        except StudyError as error:
            return error

    def read(slice_: Slice) -> Float32Array:
        pixels = decode(slice_)
        if isinstance(pixels, StudyError):
            raise pixels
        return pixels

    return read


def _darken_padding(
    values: Float32Array, stored: npt.NDArray[Any], padding: tuple[int, int]
) -> None:
    """Give what is no picture the least value of the picture, as background has it."""
    padded = (stored >= padding[0]) & (stored <= padding[1])
    if padded.any() and not padded.all():
        values[padded] = values[~padded].min()


def _decode(slice_: Slice) -> npt.NDArray[Any]:
    """Decode without reading the header again, where it said what decoding needs."""
    syntax = UID(slice_.transfer_syntax)
    decoder = _decoder_of(slice_)
    with slice_.path.open("rb") as file:
        file.seek(slice_.pixel_data_offset)
        start = file.read(8 if syntax.is_implicit_VR else 12)
        tag = struct.unpack_from("<HH" if syntax.is_little_endian else ">HH", start)
        if tag != PIXEL_DATA:
            return pixel_array(slice_.path, index=slice_.frame, raw=True)
        options: dict[str, Any] = {
            **slice_.pixel_options,
            "pixel_keyword": "PixelData",
            "transfer_syntax_uid": syntax,
        }
        if not syntax.is_implicit_VR:
            options["pixel_vr"] = start[4:6].decode("ascii")
        if decoder:
            if decoder.plugin not in get_decoder(syntax).available_plugins:
                raise RuntimeError("the decoder is missing")
            _check_size(slice_, file)
        if decoder is GDCM:
            return isolated.decode(slice_.path, slice_.frame)
        plugin = decoder.plugin if decoder else ""
        return get_decoder(syntax).as_array(
            file, index=slice_.frame, raw=True, decoding_plugin=plugin, **options
        )[0]


def _decoder_of(slice_: Slice) -> Decoder | None:
    begins = (name for name in COMPRESSED if slice_.transfer_syntax.startswith(name))
    return COMPRESSED.get(next(begins, ""))


def _check_size(slice_: Slice, file: BinaryIO) -> None:
    """Refuse a codestream of another size or depth than the header's, before it is decoded."""
    begin = file.tell()
    frames = slice_.pixel_options["number_of_frames"]
    codestream = get_frame(
        file,
        slice_.frame or 0,
        number_of_frames=frames,
        extended_offsets=slice_.pixel_options.get("extended_offsets"),
    )
    file.seek(begin)
    size = picture_size(codestream)
    if size != slice_.geometry.size:
        says = f"{size[0]} × {size[1]} pixels" if size else "no size"
        raise DamagedError(f"the compressed picture says {says}, the header otherwise")
    bits, stored = picture_bits(codestream), slice_.pixel_options["bits_stored"]
    if _decoder_of(slice_) is GDCM and (bits is None or bits < stored):
        # GDCM believes the header here, and what comes out is noise.
        raise DamagedError(f"the compressed picture has {bits} bits, the header says {stored}")


def _where(slice_: Slice) -> str:
    """By its number, since a file's name is often the patient's."""
    number = slice_.instance_number
    return "a slice without number" if number is None else f"instance {number}"


def _damage_error(where: str, cause: str = "") -> StudyError:
    # A decoder's own words are about its insides, and may repeat the file's.
    return StudyError(
        "the pixels are truncated or damaged" + (f" ({cause})." if cause else "."),
        where=where,
        todo="Export the file again.",
    )


def _decoding_error(slice_: Slice, where: str, error: Exception) -> StudyError:
    name = printable(UID(slice_.transfer_syntax).name)
    syntax = printable(slice_.transfer_syntax)
    decoder, text = _decoder_of(slice_), str(error)
    if decoder and ("missing" in text):
        return StudyError(
            f"nothing installed here decodes its transfer syntax {name} ({syntax}).",
            where=where,
            todo=f"Install the decoder with: {install_package(decoder.package)}",
        )
    if isinstance(error, NotImplementedError) or name == syntax or "not support" in text:
        return StudyError(
            f"its transfer syntax {name} ({syntax}) is not supported.",
            where=where,
            todo="Export the series uncompressed or as JPEG 2000.",
        )
    return _damage_error(where)

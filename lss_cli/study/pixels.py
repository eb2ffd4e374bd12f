"""Decode the slices that are needed, and no others."""

import struct
import zlib

import numpy as np
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from lss_cli.errors import StudyError
from lss_cli.model_input import FloatArray
from lss_cli.study.headers import Slice, tolerant
from lss_cli.text import printable

# A lumbar MRI series takes some tens of MiB; a header that asks for more than this is damaged
# or hostile.
LARGEST_ARRAY_BYTES = 2**30

# Which package decodes what, for the message when one is missing. pydicom's own guide:
# "Compressed Pixel Data", section "Supported Transfer Syntaxes".
DECODERS = {
    "JPEG-LS": "pyjpegls",
    "JPEG 2000": "pylibjpeg pylibjpeg-openjpeg",
    "High-Throughput": "pylibjpeg pylibjpeg-openjpeg",
    "JPEG": "python-gdcm",
}


def read_pixels(one: Slice) -> FloatArray:
    """Decode one slice and apply its rescale, in the one orientation (rows × columns).

    Raises:
        StudyError: The file is truncated or damaged, is a colour picture, would need more than
            1 GiB, or nothing here decodes its transfer syntax.
    """
    where = _where(one)
    if one.array_bytes > LARGEST_ARRAY_BYTES:
        raise StudyError(
            f"by its header the pixels would need {one.array_bytes / 2**30:.1f} GiB, "
            f"more than the {LARGEST_ARRAY_BYTES // 2**30} GiB allowed.",
            where=where,
            todo="Check Rows, Columns and NumberOfFrames, or export the series again.",
        )
    if one.samples != 1:
        raise StudyError("this is a colour picture, not an MRI slice.", where=where)
    try:
        with tolerant():
            pixels = pixel_array(one.path, index=one.frame, raw=True)
    except (NotImplementedError, RuntimeError) as error:
        raise _undecodable(one, where, error) from error
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
        raise _damaged(where, error) from error
    if pixels.shape != one.geometry.size[::-1]:
        raise _damaged(where, ValueError(f"the pixels have the shape {pixels.shape}"))
    slope, intercept = one.rescale
    if one.inverted:
        slope, intercept = -slope, -intercept
    values = pixels.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return np.ascontiguousarray(one.geometry.orientation.pixels(values))


def _where(one: Slice) -> str:
    frame = "" if one.frame is None else f", frame {one.frame + 1}"
    return f"{one.path.name}{frame}"


def _damaged(where: str, error: Exception) -> StudyError:
    return StudyError(
        f"the pixels are truncated or damaged ({printable(error, 120)}).",
        where=where,
        todo="Export the file again.",
    )


def _undecodable(one: Slice, where: str, error: Exception) -> StudyError:
    name = UID(one.transfer_syntax).name
    package = next((pkg for key, pkg in DECODERS.items() if key in name), None)
    text = str(error)
    if package and ("missing" in text or "dependenc" in text):
        return StudyError(
            f"nothing installed here decodes its transfer syntax {name} ({one.transfer_syntax}).",
            where=where,
            todo=f"Install the decoder with: pip install {package}",
        )
    if isinstance(error, NotImplementedError) or name == one.transfer_syntax:
        return StudyError(
            f"its transfer syntax {printable(name)} ({printable(one.transfer_syntax)}) is not "
            "supported.",
            where=where,
            todo="Export the series uncompressed or as JPEG 2000.",
        )
    return _damaged(where, error)

"""A fast reader of headers, for plain DICOM files alone.

Nearly every MRI file is of one kind: explicit VR, little endian, and no sequence among what is
asked for. Such a header is read here ten times as fast as by pydicom, whose reader takes on all
others; nothing is guessed, whatever is unusual is left to it.
"""

import struct
from collections.abc import Mapping
from typing import Any

from pydicom.datadict import tag_for_keyword

# Bytes that are looked at; what a buffered reader takes from the disk anyway.
WINDOW = 8192

PIXEL_DATA = 0x7FE00010
TRANSFER_SYNTAX = 0x00020010
DEFLATED = "1.2.840.10008.1.2.1.99"
# Explicit VR little endian, JPEG and its kin, RLE (PS3.5 annex A).
SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")

LONG_VRS = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT"}
LONG_VRS |= {b"UV"}
SHORT_VRS = {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT"}
SHORT_VRS |= {b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
UNDEFINED = 0xFFFFFFFF

Tags = Mapping[int, str]


def tags(keywords: tuple[str, ...]) -> Tags:
    """Keywords by their tags."""
    return {tag: keyword for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None}


def read_plain(start: bytes, wanted: Tags) -> tuple[dict[str, Any], str, int] | None:
    """Pick elements out of the begin of a file.

    Args:
        start: The first `WINDOW` bytes of the file.
        wanted: What to pick.

    Returns:
        Values by keyword, the transfer syntax, and where the element with the pixels begins;
        ``None`` for a file that is in any way unusual.
    """
    if start[128:132] != b"DICM":
        return None
    try:
        return _read_elements(start, wanted)
    except (ValueError, struct.error):
        return None


def _read_elements(start: bytes, wanted: Tags) -> tuple[dict[str, Any], str, int] | None:
    values: dict[str, Any] = {}
    syntax, at, before = "", 132, 0
    while True:
        group, element, vr, length = struct.unpack_from("<HH2sH", start, at)
        tag = group << 16 | element
        # Elements rise; what does not, is not what it seems.
        if tag <= before or (group > 2 and not syntax.startswith(SYNTAXES)):
            return None
        if group >= 0x7FE0:
            plain = tag == PIXEL_DATA and syntax != DEFLATED
            return (values, syntax, at) if plain else None
        begin = at + 8
        if vr in LONG_VRS:
            (length,) = struct.unpack_from("<L", start, begin)
            begin += 4
        elif vr not in SHORT_VRS:
            return None
        if length == UNDEFINED:
            return None
        at, before = begin + length, tag
        if tag == TRANSFER_SYNTAX:
            syntax = _decode_text(start[begin:at])
        elif keyword := wanted.get(tag):
            values[keyword] = _parse_value(vr, start[begin:at])


def _parse_value(vr: bytes, raw: bytes) -> Any:
    """A value as pydicom gives it, or a `ValueError` where that is not sure."""
    if vr == b"US" and len(raw) == 2:
        return raw[0] | raw[1] << 8
    text = _decode_text(raw)
    if not text:
        return None
    if vr in {b"DS", b"IS"}:
        numbers = [float(part) if vr == b"DS" else int(part) for part in text.split("\\")]
        return numbers if len(numbers) > 1 else numbers[0]
    if vr not in {b"CS", b"LO", b"SH", b"UI"} or "\\" in text:
        raise ValueError(f"a value of VR {vr!r}")
    return text


def _decode_text(raw: bytes) -> str:
    text = raw.decode("ascii").rstrip("\0 ")
    # Escape sequences switch to another alphabet.
    if "\x1b" in text or "\0" in text:
        raise ValueError("not plain text")
    return text.strip(" ")

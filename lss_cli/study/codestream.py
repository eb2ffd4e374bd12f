"""The size of a compressed picture by its own header, read before anything is decoded.

A decoder believes the codestream, not the DICOM header: a few bytes that claim 30,000² pixels cost
a minute and gigabytes, and a larger picture than the header's may come out cropped.
"""

import struct

# JPEG and JPEG-LS: start of frame, of any process (ISO/IEC 10918-1 table B.1, 14495-1 C.2.2).
FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


def picture_size(codestream: bytes) -> tuple[int, int] | None:
    """Width and height by the first frame header; ``None`` where there is none.

    Args:
        codestream: JPEG, JPEG-LS or JPEG 2000 (also high-throughput), from its first byte.
    """
    try:
        if codestream[:4] == b"\xff\x4f\xff\x51":
            # SIZ (ISO/IEC 15444-1 A.5.1): extent of the grid, less the picture's offset in it.
            right, bottom, left, top = struct.unpack_from(">4I", codestream, 8)
            return right - left, bottom - top
        return _jpeg_size(codestream) if codestream[:2] == b"\xff\xd8" else None
    except struct.error:
        return None


def picture_bits(codestream: bytes) -> int | None:
    """Bits of a sample by the first frame header of a JPEG or JPEG-LS codestream."""
    try:
        return codestream[_frame_header(codestream) + 4]
    except (IndexError, ValueError, struct.error):
        return None


def _jpeg_size(codestream: bytes) -> tuple[int, int] | None:
    try:
        height, width = struct.unpack_from(">HH", codestream, _frame_header(codestream) + 5)
    except ValueError:
        return None
    return width, height


def _frame_header(codestream: bytes) -> int:
    """Where the first frame header begins, with its marker; a ValueError where there is none."""
    at = 2
    while True:
        lead, marker = struct.unpack_from(">BB", codestream, at)
        if lead != 0xFF:
            raise ValueError("no marker")
        if marker in FRAMES:
            return at
        if marker == 0xFF:
            at += 1
        elif marker in WITHOUT_LENGTH:
            at += 2
        else:
            (length,) = struct.unpack_from(">H", codestream, at + 2)
            at += 2 + length

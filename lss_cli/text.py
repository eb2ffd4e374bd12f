"""Text that came from outside, made safe for where it goes."""

import difflib
import unicodedata
from collections.abc import Iterable


def printable(text: object, limit: int = 80) -> str:
    """Replace control characters, so that DICOM text cannot drive a terminal."""
    clean = "".join(
        "?" if unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"} else char
        for char in str(text)
    )
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def encodable(text: str) -> str:
    r"""Write out what no file or terminal could hold: bytes of a name that are no UTF-8.

    Two different names stay different.

    Examples:
        >>> encodable(b"caf\xe9".decode("utf-8", "surrogateescape")), encodable("caf\u00e9 \ud800")
        ('caf%E9', 'café %D800')
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(map(_encodable, text))
    return text


def _encodable(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        # PEP 383: a byte of a file name that could not be decoded.
        return f"%{code - 0xDC00:02X}"
    return f"%{code:04X}" if 0xD800 <= code <= 0xDFFF else char


def escape_formula(cell: str) -> str:
    """Quote a cell that a spreadsheet would run as a formula.

    Source: OWASP, "CSV Injection".
    """
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def unescape_formula(cell: str) -> str:
    """What `escape_formula` was given."""
    inner = cell[1:]
    return inner if cell[:1] == "'" and escape_formula(inner) == cell else cell


def suggest(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the known word that is most like `word`, else nothing."""
    matches = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def join_words(words: Iterable[str]) -> str:
    """Join words for a sentence.

    Examples:
        >>> join_words(["a", "b", "c"])
        'a, b and c'
    """
    *head, last = [str(word) for word in words]
    return f"{', '.join(head)} and {last}" if head else last

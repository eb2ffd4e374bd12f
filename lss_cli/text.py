"""Text that came from outside, made safe for where it goes."""

import difflib
import reprlib
import unicodedata
from collections.abc import Iterable


def printable(text: object, limit: int = 80) -> str:
    """Replace control characters, so that DICOM text cannot drive a terminal."""
    clean = str(text)
    if not clean.isprintable():
        clean = "".join(
            "?" if unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"} else char
            for char in clean
        )
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def printable_value(value: object, limit: int = 80) -> str:
    """A value of a document as its text would show it, whatever its size or depth.

    Examples:
        >>> printable_value("big"), printable_value([[[[[[0]]]]]])
        ("'big'", '[[[[...]]]]')
    """
    shorten = reprlib.Repr()
    shorten.maxlevel = 4
    # What is left out in the middle lies beyond the limit.
    shorten.maxlong = shorten.maxstring = shorten.maxother = 4 * limit
    return printable(shorten.repr(value), limit)


def replace_control(text: str) -> str:
    """Replace what would drive a terminal that shows a file; line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        "?" if char not in "\t\n\r" and unicodedata.category(char) in {"Cc", "Cs"} else char
        for char in text
    )


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
    """Quote a cell that a spreadsheet would run as a formula, after line breaks too.

    Source: OWASP, "CSV Injection".
    """
    runs = cell[:1] in {"\t", "\r"} or cell.lstrip("\t\r\n")[:1] in {"=", "+", "-", "@"}
    return f"'{cell}" if runs else cell


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

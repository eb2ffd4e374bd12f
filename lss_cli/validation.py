"""What pydantic says against a document, in the words of our errors."""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from lss_cli.text import printable, printable_value, suggest

if TYPE_CHECKING:
    from pydantic import ValidationError

T = TypeVar("T")


def read_document(kind: type[T], values: Any, known: Iterable[str] = ()) -> T:
    """Build a pydantic dataclass from a JSON document.

    Args:
        kind: The dataclass.
        values: The document.
        known: See `explain`.

    Raises:
        ValueError: Something is missing, unknown or impossible; says what, in one sentence.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise ValueError(explain(error, known)) from error


def load_json(text: str) -> Any:
    """Parse JSON whose text every output can write.

    Raises:
        ValueError: It is no JSON, or holds half a character.
    """
    document = json.loads(text)
    json.dumps(document, ensure_ascii=False).encode()
    return document


def pop_version(document: dict[str, Any], key: str, known: int) -> None:
    """Take a document's format version out of it.

    Raises:
        ValueError: It is not the one that this program knows, or is missing.
    """
    version = document.pop(key, None)
    if version is True or version != known:
        raise ValueError(f"its format version is {version!r}, this program knows {known}.")


def explain(error: "ValidationError", known: Iterable[str] = ()) -> str:
    """The first thing that is wrong, in one sentence: where, what is wanted, what is there.

    Args:
        error: Of pydantic.
        known: Keys that there are, of which the nearest to an unknown one is named.
    """
    first = error.errors(include_url=False)[0]
    *path, last = [str(part) for part in first["loc"]] or [""]
    place = ".".join([*path, last])
    if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        return f"{printable(place)} is an unknown key.{suggest(last, known)}"
    if first["type"] in {"missing", "missing_argument"}:
        return f"{place} is missing."
    # Of our own validators the words alone are wanted.
    wanted = first["msg"].removeprefix("Value error, ").rstrip(".")
    text = f"{place}: {wanted[:1].lower()}{wanted[1:]}" if place else wanted
    given = first["input"]
    if first["type"] == "value_error" or not isinstance(given, str | int | float | None):
        return f"{text}."
    hint = suggest(given, re.findall(r"'([^']*)'", wanted)) if isinstance(given, str) else ""
    return f"{text}, not {printable_value(given, 40)}.{hint}"

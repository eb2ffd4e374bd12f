"""A row of a table of points, read cell by cell."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lss_cli.anatomy import DEFAULT_CONDITION, Condition, Level
from lss_cli.points.point import NOT_VISIBLE, BadPoint, Point, PointSource
from lss_cli.text import printable, unescape_formula

YES, NO = ("yes", "true", "1"), ("", "no", "false", "0")
LONGEST_REMARK = 400

# No pixel position and no number of an image is beyond: DICOM's integers have 32 bits.
LARGEST = 2**31

# With a decimal comma 1.234, with thousands apart 1234.
AMBIGUOUS_NUMBER = re.compile(r"[+-]?[1-9],\d{3}")

Word = TypeVar("Word", Condition, Level)


def normalize_id(name: str) -> str:
    """Undo what pandas does to ids where other rows have none.

    Examples:
        >>> normalize_id("100206310.0")
        '100206310'
    """
    return re.sub(r"^(\d{1,15})[.,]0$", r"\1", name)


def parse_id(cells: Mapping[str, Any], column: str) -> str:
    """An id as it is compared; empty where the cell is."""
    return normalize_id(unescape_formula(str(cells.get(column) or "").strip()))


def parse_point(cells: Mapping[str, Any]) -> Point | BadPoint:
    """Read one row, of a point or of a level that is not visible.

    Raises:
        ValueError: A cell cannot be read; names the column.
    """
    if None in cells or None in cells.values():
        raise ValueError("the row has more or fewer cells than the header")
    study_id, remark = parse_id(cells, "study_id"), _parse_remark(cells)
    if _is_absent(cells):
        condition, level = _parse_condition(cells), _parse_level(cells)
        return BadPoint(study_id, condition, level, NOT_VISIBLE, remark)
    return Point(
        study_id=study_id,
        series_id=parse_id(cells, "series_id"),
        instance_number=_parse_integer(cells, "instance_number"),
        condition=_parse_condition(cells),
        level=_parse_level(cells),
        x=_parse_number(cells, "x"),
        y=_parse_number(cells, "y"),
        remark=remark,
        source=_parse_source(cells),
    )


def _is_absent(cells: Mapping[str, Any]) -> bool:
    text = cells.get("not_visible", "").strip().lower()
    if text not in (*YES, *NO):
        raise ValueError(f"column not_visible: {printable(text)!r} is neither yes nor no.")
    if text in YES and (cells["x"].strip() or cells["y"].strip()):
        raise ValueError("column not_visible: it says yes, but there is a point.")
    return text in YES


def _parse_source(cells: Mapping[str, Any]) -> PointSource:
    """Who set the point; in tables of others a column of this name may hold anything."""
    text = (cells.get("points") or "").strip().lower()
    return PointSource(text) if text in list(PointSource) else PointSource.GIVEN


def _parse_remark(cells: Mapping[str, Any]) -> str:
    text = unescape_formula(" ".join((cells.get("remark") or "").split()))
    return printable(text, LONGEST_REMARK)


def _parse_condition(cells: Mapping[str, Any]) -> Condition:
    text = cells.get("condition") or DEFAULT_CONDITION
    return _parse("condition", Condition.parse, text)


def _parse_level(cells: Mapping[str, Any]) -> Level:
    return _parse("level", Level.parse, cells["level"] or "")


def _parse(column: str, parse: Callable[[str], Word], text: str) -> Word:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"column {column}: {printable(error, 200)}") from None


def _parse_number(cells: Mapping[str, Any], column: str) -> float:
    text = cells[column].strip()
    if AMBIGUOUS_NUMBER.fullmatch(text):
        raise ValueError(
            f"column {column}: {text!r} may be {text.replace(',', '.')} or "
            f"{text.replace(',', '')}. Write a decimal point."
        )
    try:
        number = float(text if "." in text else text.replace(",", ".", 1))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"column {column}: {printable(cells[column])!r} is not a number.")
    if abs(number) > LARGEST:
        raise ValueError(f"column {column}: {printable(cells[column])!r} is too large.")
    return number


def _parse_integer(cells: Mapping[str, Any], column: str) -> int:
    number = _parse_number(cells, column)
    if number != int(number):
        raise ValueError(f"column {column}: {printable(cells[column])!r} is not a whole number.")
    return int(number)


def bad_point(cells: Mapping[str, Any], reason: str) -> BadPoint:
    """What a row that cannot be used says of itself, as far as it can be read."""
    condition: Condition | None = None
    level: Level | str = printable(cells.get("level") or "?", 20)
    try:
        condition = _parse_condition(cells)
        level = _parse_level(cells)
    except ValueError:
        pass
    return BadPoint(parse_id(cells, "study_id"), condition, level, reason, _parse_remark(cells))

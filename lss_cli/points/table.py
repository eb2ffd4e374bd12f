"""coords.csv and its JSON twin: the columns of RSNA's train_label_coordinates.csv."""

import csv
import io
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from lss_cli.anatomy import DEFAULT_CONDITION, Condition, Level
from lss_cli.errors import PointsError
from lss_cli.files import write_text
from lss_cli.points.point import BadPoint, Point
from lss_cli.text import escape_formula, join_words, printable, suggest, unescape_formula

REQUIRED = ("instance_number", "level", "x", "y")
COLUMNS = ("study_id", "series_id", "instance_number", "condition", "level", "x", "y")

# RSNA's table of all studies has 4 MB; anything near this is some other file.
LARGEST_FILE_BYTES = 256 * 2**20

Word = TypeVar("Word", Condition, Level)
Row = tuple[str, Mapping[str, Any]]
"""Where a row stands (``line 7``, ``entry 3``), and its cells by column."""


def read_points(path: Path, study_ids: tuple[str, ...] = ()) -> tuple[list[Point], list[BadPoint]]:
    """Read a table of points.

    Args:
        path: A CSV file with a header, or a JSON file with a list of objects.
        study_ids: Names of the one study whose rows are wanted; rows of others are passed over
            unread. Without names, or without a column ``study_id``, all rows are read.

    Returns:
        The usable points and the rows that cannot be used, each in the order of the file. Of
        rows that name one level of one study and condition twice, none is usable; rows of the
        one study are of one study, whichever of its names they have.

    Raises:
        PointsError: The file as a whole cannot be used: missing, empty, not UTF-8, without a
            required column, no JSON list, or without a row of the study.
    """
    others: set[str] = set()
    study_ids = tuple(normalize_id(one) for one in study_ids)
    read = _json_rows if path.suffix.lower() == ".json" else _csv_rows
    rows = list(read(path, study_ids, others))
    if others and not rows:
        raise PointsError(
            f"it has no row of study {printable(study_ids[0])}.",
            where=path.name,
            todo=f"It has points of {len(others)} other studies, such as "
            f"{join_words(printable(one) for one in sorted(others)[:3])}.",
        )
    if not rows:
        raise PointsError("the table has a header but no rows.", where=path.name)
    points: list[tuple[str, Point]] = []
    bad: list[BadPoint] = []
    for place, cells in rows:
        try:
            points.append((place, _point(cells)))
        except ValueError as error:
            bad.append(_bad(cells, f"{path.name}, {place}, {error}"))
    good, twice = _without_repeats(points, path.name, one_study=bool(study_ids))
    return good, bad + twice


def normalize_id(name: str) -> str:
    """``100206310`` for ``100206310.0``: pandas writes ids so where other rows have none."""
    return re.sub(r"^(\d{1,15})\.0$", r"\1", name)


def write_points(path: Path, points: list[Point]) -> None:
    """Write coords.csv, in RSNA's columns.

    Raises:
        OutputError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in points:
        writer.writerow(
            [
                escape_formula(one.study_id),
                escape_formula(one.series_id),
                one.instance_number,
                one.condition.rsna_name,
                one.level.value,
                f"{one.x:.10g}",
                f"{one.y:.10g}",
            ]
        )
    write_text(path, text.getvalue())


def _csv_rows(path: Path, study_ids: tuple[str, ...], others: set[str]) -> Iterator[Row]:
    """Rows of the named studies; the names of the studies passed over go into `others`."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True, skipinitialspace=True)
    try:
        names = [name.strip().lower() for name in next(reader)]
        _check_columns(path, names)
        # Tables of thousands of studies are common, so other rows are passed over early.
        column = names.index("study_id") if study_ids and "study_id" in names else len(names)
        wanted, passed = {"", *study_ids}, set()
        for cells in reader:
            cell = cells[column] if column < len(cells) else ""
            if cell in passed:
                continue
            study = normalize_id(unescape_formula(cell.strip()))
            if column < len(names) and study not in wanted:
                passed.add(cell)
                others.add(study)
            elif cells:
                # Surplus cells get the key None, missing ones the value None.
                yield f"line {reader.line_num}", dict(zip_longest(names, cells))
    except csv.Error as error:
        raise PointsError(
            f"it cannot be read as CSV ({error}).", where=f"{path.name}, line {reader.line_num}"
        ) from error


def _json_rows(path: Path, study_ids: tuple[str, ...], others: set[str]) -> Iterator[Row]:
    """As `_csv_rows`."""
    try:
        document = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise PointsError("it is not valid JSON.", where=f"{path.name}{line}") from error
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        raise PointsError(
            "a list of objects is wanted.",
            where=path.name,
            todo='For example: [{"instance_number": 20, "level": "L1/L2", "x": 180.4, "y": 165.0}]',
        )
    if not document:
        raise PointsError("the list is empty.", where=path.name)
    for number, cells in enumerate(document, start=1):
        _check_columns(path, list(cells), f", entry {number}")
        # Numbers and text alike are read as text, so that both formats have the same checks.
        text = {key: "" if value is None else str(value) for key, value in cells.items()}
        if study_ids and _study_id(text) not in {"", *study_ids}:
            others.add(_study_id(text))
        else:
            yield f"entry {number}", text


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise PointsError("the file is too large for a table of points.", where=path.name)
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PointsError(
            f"it is not UTF-8 text (byte {error.start}).",
            where=path.name,
            todo="Save it as 'CSV UTF-8'.",
        ) from error
    except OSError as error:
        raise PointsError(f"it cannot be read ({error.strerror}).", where=str(path)) from error
    if not text.strip():
        raise PointsError("the file is empty.", where=path.name)
    if "\0" in text:
        raise PointsError("this is no text file.", where=path.name)
    return text


def _check_columns(path: Path, names: list[str], place: str = ", line 1") -> None:
    twice = next((name for name in COLUMNS if names.count(name) > 1), None)
    if twice:
        raise PointsError(f"the column {twice!r} stands there twice.", where=f"{path.name}{place}")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        hint = suggest(missing[0], [name for name in names if name not in COLUMNS])
        if len(names) == 1 and (found := {";", "\t"}.intersection(names[0])):
            mark = "semicolons" if ";" in found else "tabs"
            hint = f" The columns are separated by {mark}, commas are wanted."
        raise PointsError(
            f"the column {missing[0]!r} is missing.{hint}",
            where=f"{path.name}{place}",
            todo=f"Wanted are {join_words(COLUMNS)}; study_id, series_id and condition may be left "
            "out for a single study.",
        )


def _study_id(cells: Mapping[str, Any]) -> str:
    return normalize_id(unescape_formula(str(cells.get("study_id") or "").strip()))


def _point(cells: Mapping[str, Any]) -> Point:
    """Read one row; ValueError names the column."""
    if None in cells or None in cells.values():
        raise ValueError("the row has more or fewer cells than the header")
    return Point(
        study_id=_study_id(cells),
        series_id=normalize_id(cells.get("series_id", "").strip()),
        instance_number=_whole(cells, "instance_number"),
        condition=_condition(cells),
        level=_level(cells),
        x=_number(cells, "x"),
        y=_number(cells, "y"),
    )


def _condition(cells: Mapping[str, Any]) -> Condition:
    text = cells.get("condition") or DEFAULT_CONDITION
    return _named("condition", Condition.parse, text)


def _level(cells: Mapping[str, Any]) -> Level:
    return _named("level", Level.parse, cells["level"] or "")


def _named(column: str, parse: Callable[[str], Word], text: str) -> Word:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"column {column}: {printable(error, 200)}") from None


def _number(cells: Mapping[str, Any], column: str) -> float:
    try:
        number = float(cells[column])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"column {column}: {printable(cells[column])!r} is not a number.")
    return number


def _whole(cells: Mapping[str, Any], column: str) -> int:
    number = _number(cells, column)
    if number != int(number):
        raise ValueError(f"column {column}: {printable(cells[column])!r} is not a whole number.")
    return int(number)


def _bad(cells: Mapping[str, Any], reason: str) -> BadPoint:
    condition: Condition | None = None
    level: Level | str = printable(cells.get("level") or "?", 20)
    try:
        condition = _condition(cells)
        level = _level(cells)
    except ValueError:
        pass
    return BadPoint(_study_id(cells), condition, level, reason)


def _without_repeats(
    points: list[tuple[str, Point]], name: str, *, one_study: bool
) -> tuple[list[Point], list[BadPoint]]:
    rows: dict[tuple[str, Condition, Level], list[tuple[str, Point]]] = defaultdict(list)
    for place, one in points:
        rows["" if one_study else one.study_id, one.condition, one.level].append((place, one))
    bad = []
    for (_, condition, level), same in rows.items():
        if len(same) > 1:
            kind = same[0][0].split()[0]
            places = join_words(place.removeprefix(f"{kind} ") for place, _ in same)
            what = f"the level is given {len(same)} times. Keep one row."
            study_id = same[0][1].study_id
            bad.append(BadPoint(study_id, condition, level, f"{name}, {kind}s {places}: {what}"))
    return [same[0][1] for same in rows.values() if len(same) == 1], bad

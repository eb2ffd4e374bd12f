"""coords.csv and its JSON twin: the columns of RSNA's train_label_coordinates.csv."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from lss_cli.anatomy import DEFAULT_CONDITION, Condition, Level
from lss_cli.errors import PointsError
from lss_cli.files import write_text
from lss_cli.points.point import NOT_VISIBLE, BadPoint, Point
from lss_cli.tables import CsvReader, check_columns, read_text, to_csv
from lss_cli.text import encodable, join_words, printable, unescape_formula

REQUIRED = ("instance_number", "level", "x", "y")
COLUMNS = ("study_id", "series_id", "instance_number", "condition", "level", "x", "y")
# Beyond RSNA's: what a person found out beside the points.
MORE = ("not_visible", "remark")
# However a header spells them: ``Study ID``, ``InstanceNumber``.
SPELLINGS = {column.replace("_", ""): column for column in (*COLUMNS, *MORE)}
YES, NO = ("yes", "true", "1"), ("", "no", "false", "0")
LONGEST_REMARK = 400

# No pixel position and no number of an image is beyond: DICOM's integers have 32 bits.
LARGEST = 2**31

# With a decimal comma 1.234, with thousands apart 1234.
AMBIGUOUS_NUMBER = re.compile(r"[+-]?[1-9],\d{3}")

Word = TypeVar("Word", Condition, Level)
# Where a row stands (``line 7``, ``entry 3``), and its cells by column.
Row = tuple[str, Mapping[str, Any]]


def read_points(path: Path, study_ids: tuple[str, ...] = ()) -> tuple[list[Point], list[BadPoint]]:
    """Read a table of points.

    Args:
        path: A CSV file with a header, or a JSON file with a list of objects. Files that were
            joined have a header again where the next one begins.
        study_ids: Names of the one study whose rows are wanted; rows of others are passed over
            unread. Without names, or without a column ``study_id``, all rows are read.

    Returns:
        The usable points and the rows that cannot be used, each in the order of the file. Where
        other rows name a study, one that does not cannot be used, since it may be any's. Of
        rows that name one level of one study and condition twice, none is usable, unless they
        are the same in all; rows of the one study are of one study, whichever of its names they
        have.

    Raises:
        PointsError: The file as a whole cannot be used: missing, empty, no text, without a
            required column, no JSON list, or without a row of the study.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "coords.json")
        >>> row = {"instance_number": 20, "level": "L4/L5", "x": 180.4, "y": 165}
        >>> _ = path.write_text(json.dumps([row]))
        >>> points, bad_points = read_points(path)
        >>> points[0].instance_number, str(points[0].condition), bad_points
        (20, 'left_subarticular_stenosis', [])
    """
    others: set[str] = set()
    study_ids = tuple(normalize_id(study_id) for study_id in study_ids)
    read = _json_rows if path.suffix.lower() == ".json" else _csv_rows
    rows = list(read(path, study_ids, others))
    own = any(_parse_id(cells, "study_id") for _, cells in rows)
    if others and not own:
        raise PointsError(
            f"it has no row of study {printable(study_ids[0])}.",
            where=path.name,
            todo=f"It has points of {len(others)} other studies, such as "
            f"{join_words(printable(study_id) for study_id in sorted(others)[:3])}.",
        )
    if not rows:
        raise PointsError("the table has a header but no rows.", where=path.name)
    points: list[tuple[str, Point | BadPoint]] = []
    bad: list[BadPoint] = []
    for place, cells in rows:
        try:
            if own and not _parse_id(cells, "study_id"):
                raise ValueError("column study_id: it is empty here, and not in all rows.")
            points.append((place, _parse_point(cells)))
        except ValueError as error:
            bad.append(_bad_point(cells, f"{printable(path.name)}, {place}, {error}"))
    once, twice = _drop_repeats(points, printable(path.name), one_study=bool(study_ids))
    good = [point for point in once if isinstance(point, Point)]
    return good, bad + [point for point in once if isinstance(point, BadPoint)] + twice


def normalize_id(name: str) -> str:
    """Undo what pandas does to ids where other rows have none.

    Examples:
        >>> normalize_id("100206310.0")
        '100206310'
    """
    return re.sub(r"^(\d{1,15})[.,]0$", r"\1", name)


def write_points(
    path: Path, points: Iterable[Point], bad_points: Iterable[BadPoint] = (), remark: str = ""
) -> None:
    """Write coords.csv, in RSNA's columns; with `MORE` where there is something to be said.

    Args:
        path: The file.
        points: A row each.
        bad_points: A row for each that is not visible; others are left out.
        remark: Of the person who set the points; stands in every row.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = [
        (
            point.study_id,
            point.series_id,
            point.instance_number,
            point.condition.rsna_name,
            point.level.value,
            f"{point.x:.10g}",
            f"{point.y:.10g}",
            "",
            remark,
        )
        for point in points
    ]
    absent = [
        (bad.study_id, "", "", bad.condition.rsna_name, str(bad.level), "", "", YES[0], remark)
        for bad in bad_points
        if bad.not_visible and bad.condition
    ]
    columns = (*COLUMNS, *(MORE if absent or remark else ()))
    write_text(path, to_csv(columns, (row[: len(columns)] for row in (*rows, *absent))))


def _csv_rows(path: Path, study_ids: tuple[str, ...], others: set[str]) -> Iterator[Row]:
    """Rows of the named studies; the names of the studies passed over go into `others`."""
    reader = CsvReader(_read_text(path), PointsError, path.name)
    wanted, passed = {"", *study_ids}, set()
    names, column = _read_header(reader.names, f"{path.name}, line 1", study_ids)
    for cells in reader:
        cell = cells[column] if column < len(cells) else ""
        # Tables of thousands of studies are common, so other rows are passed over early.
        if cell in passed:
            continue
        if _is_header(cells):
            names, column = _read_header(cells, f"{path.name}, line {reader.line}", study_ids)
            continue
        study_id = normalize_id(unescape_formula(cell.strip()))
        if column < len(names) and study_id not in wanted:
            passed.add(cell)
            others.add(study_id)
        elif any(cells):
            # Surplus cells get the key None, missing ones the value None.
            yield f"line {reader.line}", dict(zip_longest(names, cells))


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a header stands here, as where two files were joined."""
    # What is quickly seen not to be there comes first.
    return not {"x", "X"}.isdisjoint(map(str.strip, cells)) and set(REQUIRED).issubset(
        map(_read_column, cells)
    )


def _read_header(
    cells: Sequence[str], where: str, study_ids: tuple[str, ...]
) -> tuple[list[str], int]:
    """Columns, and the place of the study's name; behind all where it does not matter."""
    names = [_read_column(cell) for cell in cells]
    _check_columns(names, where)
    # Two files that were joined without a line break between them.
    if any(cell.strip()[:1].isdigit() for cell in cells):
        raise PointsError(
            "a row and a header are on one line.", where=where, todo="Put a line break between."
        )
    return names, names.index("study_id") if study_ids and "study_id" in names else len(names)


def _read_column(name: str) -> str:
    """A column by its one name, however it is spelled."""
    name = name.strip().lower()
    return SPELLINGS.get(re.sub(r"[\s_-]+", "", name), name)


def _json_rows(path: Path, study_ids: tuple[str, ...], others: set[str]) -> Iterator[Row]:
    """As `_csv_rows`."""
    try:
        document = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise PointsError("it is not valid JSON.", where=f"{path.name}{line}") from error
    if not isinstance(document, list) or not all(isinstance(entry, dict) for entry in document):
        raise PointsError(
            "a list of objects is wanted.",
            where=path.name,
            todo='For example: [{"instance_number": 20, "level": "L1/L2", "x": 180.4, "y": 165.0}]',
        )
    if not document:
        raise PointsError("the list is empty.", where=path.name)
    for number, entry in enumerate(document, start=1):
        names = [_read_column(key) for key in entry]
        _check_columns(names, f"{path.name}, entry {number}")
        cells = zip(names, entry.values(), strict=True)
        # Numbers and text alike are read as text, so that both formats have the same checks; JSON
        # can hold halves of a character, which nothing else can.
        text = {key: "" if value is None else encodable(str(value)) for key, value in cells}
        if study_ids and _parse_id(text, "study_id") not in {"", *study_ids}:
            others.add(_parse_id(text, "study_id"))
        else:
            yield f"entry {number}", text


def _read_text(path: Path) -> str:
    text = read_text(path, PointsError, path.name)
    if "\0" in text:
        raise PointsError("this is no text file.", where=path.name)
    # A byte order mark stands wherever another file was joined on.
    return text.replace("\ufeff", "")


def _check_columns(names: Collection[str], where: str) -> None:
    check_columns(
        names,
        REQUIRED,
        PointsError,
        where,
        known=(*COLUMNS, *MORE),
        todo=f"Wanted are {join_words(COLUMNS)}; study_id, series_id and condition may be left "
        "out for a single study.",
    )


def _parse_id(cells: Mapping[str, Any], column: str) -> str:
    return normalize_id(unescape_formula(str(cells.get(column) or "").strip()))


def _parse_point(cells: Mapping[str, Any]) -> Point | BadPoint:
    """Read one row, of a point or of a level that is not visible; ValueError names the column."""
    if None in cells or None in cells.values():
        raise ValueError("the row has more or fewer cells than the header")
    study_id, remark = _parse_id(cells, "study_id"), _parse_remark(cells)
    if _is_absent(cells):
        condition, level = _parse_condition(cells), _parse_level(cells)
        return BadPoint(study_id, condition, level, NOT_VISIBLE, remark)
    return Point(
        study_id=study_id,
        series_id=_parse_id(cells, "series_id"),
        instance_number=_parse_integer(cells, "instance_number"),
        condition=_parse_condition(cells),
        level=_parse_level(cells),
        x=_parse_number(cells, "x"),
        y=_parse_number(cells, "y"),
        remark=remark,
    )


def _is_absent(cells: Mapping[str, Any]) -> bool:
    text = cells.get("not_visible", "").strip().lower()
    if text not in (*YES, *NO):
        raise ValueError(f"column not_visible: {printable(text)!r} is neither yes nor no.")
    if text in YES and (cells["x"].strip() or cells["y"].strip()):
        raise ValueError("column not_visible: it says yes, but there is a point.")
    return text in YES


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


def _bad_point(cells: Mapping[str, Any], reason: str) -> BadPoint:
    condition: Condition | None = None
    level: Level | str = printable(cells.get("level") or "?", 20)
    try:
        condition = _parse_condition(cells)
        level = _parse_level(cells)
    except ValueError:
        pass
    return BadPoint(_parse_id(cells, "study_id"), condition, level, reason, _parse_remark(cells))


def _drop_repeats(
    points: list[tuple[str, Point | BadPoint]], name: str, *, one_study: bool
) -> tuple[list[Point | BadPoint], list[BadPoint]]:
    rows = defaultdict[Any, list[tuple[str, Point | BadPoint]]](list)
    for place, point in points:
        study_id = "" if one_study else point.study_id
        rows[study_id, point.condition, point.level].append((place, point))
    good, bad = [], []
    for (_, condition, level), same in rows.items():
        if all(point == same[0][1] for _, point in same):
            good.append(same[0][1])
        else:
            kind = same[0][0].split()[0]
            places = join_words(place.removeprefix(f"{kind} ") for place, _ in same)
            what = f"the level is given {len(same)} times. Keep one row."
            study_id = same[0][1].study_id
            bad.append(BadPoint(study_id, condition, level, f"{name}, {kind}s {places}: {what}"))
    return good, bad

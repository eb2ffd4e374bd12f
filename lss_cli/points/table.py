"""coords.csv and its JSON twin: the columns of RSNA's train_label_coordinates.csv."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from lss_cli.errors import PointsError
from lss_cli.files import write_text
from lss_cli.points.point import BadPoint, Point, PointSource
from lss_cli.points.row import YES, bad_point, normalize_id, parse_id, parse_point
from lss_cli.tables import CsvReader, check_columns, read_text, to_csv
from lss_cli.text import encodable, join_words, printable, unescape_formula

REQUIRED = ("instance_number", "level", "x", "y")
COLUMNS = ("study_id", "series_id", "instance_number", "condition", "level", "x", "y")
# Beyond RSNA's: what a person found out beside the points; and who set them.
MORE = ("not_visible", "remark")
SOURCE = "points"
EVERY_COLUMN = (*COLUMNS, *MORE, SOURCE)
# However a header spells them: ``Study ID``, ``InstanceNumber``.
SPELLINGS = {column.replace("_", ""): column for column in EVERY_COLUMN}

# A file, and where a row stands in it.
Place = tuple[Path, str]
# Where a row stands (``line 7``, ``entry 3``), and its cells by column.
Row = tuple[str, Mapping[str, Any]]


def read_points(
    paths: Path | Sequence[Path], study_ids: tuple[str, ...] = ()
) -> tuple[list[Point], list[BadPoint]]:
    """Read a table of points, or several that add to each other.

    Args:
        paths: A CSV file with a header, or a JSON file with a list of objects; or several. Files
            that were joined have a header again where the next one begins.
        study_ids: Names of the one study whose rows are wanted; rows of others are passed over
            unread. Without names, or without a column ``study_id``, all rows are read.

    Returns:
        The usable points and the rows that cannot be used, each in the order of the files. Where
        other rows of a file name a study, one that does not cannot be used, since it may be
        any's. Of rows that name one level of one study and condition twice, none is usable,
        unless they are the same in all; rows of the one study are of one study, whichever of its
        names they have.

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
    study_ids = tuple(normalize_id(study_id) for study_id in study_ids)
    points: list[tuple[Place, Point | BadPoint]] = []
    bad: list[BadPoint] = []
    others: set[str] = set()
    named = False
    tables = [paths] if isinstance(paths, Path) else list(dict.fromkeys(paths))
    for path in tables:
        more, worse, strangers, own = _read_table(path, study_ids)
        points += more
        bad += worse
        others |= strangers
        named = named or own
    if others and not named:
        what = "it has" if len(tables) == 1 else "they have"
        raise PointsError(
            f"{what} no row of study {printable(study_ids[0])}.",
            where=join_words(path.name for path in tables),
            todo=f"{what.capitalize()} points of {len(others)} other studies, such as "
            f"{join_words(printable(study_id) for study_id in sorted(others)[:3])}.",
        )
    once, twice = _drop_repeats(points, one_study=bool(study_ids))
    good = [point for point in once if isinstance(point, Point)]
    return good, bad + [point for point in once if isinstance(point, BadPoint)] + twice


def _read_table(
    path: Path, study_ids: tuple[str, ...]
) -> tuple[list[tuple[Place, Point | BadPoint]], list[BadPoint], set[str], bool]:
    """One table: its usable and its other rows, what other studies it names, whether the own."""
    others: set[str] = set()
    read = _json_rows if path.suffix.lower() == ".json" else _csv_rows
    rows = list(read(path, study_ids, others))
    if not rows and not others:
        raise PointsError("the table has a header but no rows.", where=path.name)
    own = any(parse_id(cells, "study_id") for _, cells in rows)
    points: list[tuple[Place, Point | BadPoint]] = []
    bad: list[BadPoint] = []
    for place, cells in rows:
        try:
            if (own or others) and not parse_id(cells, "study_id"):
                raise ValueError("column study_id: it is empty here, and not in all rows.")
            points.append(((path, place), parse_point(cells)))
        except ValueError as error:
            bad.append(bad_point(cells, f"{printable(path.name)}, {place}, {error}"))
    return points, bad, others, own or not others


def write_points(
    path: Path,
    points: Iterable[Point],
    bad_points: Iterable[BadPoint] = (),
    remark: str | None = "",
) -> None:
    """Write coords.csv; see `points_to_csv`.

    Raises:
        OutputError: The file cannot be written.
    """
    write_text(path, points_to_csv(points, bad_points, remark))


def points_to_csv(
    points: Iterable[Point],
    bad_points: Iterable[BadPoint] = (),
    remark: str | None = "",
    *,
    every_column: bool = False,
) -> str:
    """The text of coords.csv, in RSNA's columns; with `MORE` and `SOURCE` where they say something.

    Args:
        points: A row each.
        bad_points: A row for each that is not visible; others are left out.
        remark: Of the person who set the points; stands in every row. With ``None`` each row
            has its own.
        every_column: Whether all columns are there in any case.
    """
    rows: list[dict[str, object]] = [
        {
            "study_id": point.study_id,
            "series_id": point.series_id,
            "instance_number": point.instance_number,
            "condition": point.condition.rsna_name,
            "level": point.level.value,
            "x": f"{point.x:.10g}",
            "y": f"{point.y:.10g}",
            "remark": point.remark if remark is None else remark,
            SOURCE: point.source.value,
        }
        for point in points
    ]
    absent: list[dict[str, object]] = [
        {
            "study_id": bad.study_id,
            "condition": bad.condition.rsna_name,
            "level": str(bad.level),
            "not_visible": YES[0],
            "remark": bad.remark if remark is None else remark,
        }
        for bad in bad_points
        if bad.not_visible and bad.condition
    ]
    said = absent or any(row["remark"] for row in rows)
    named = any(row[SOURCE] != PointSource.GIVEN for row in rows)
    columns = EVERY_COLUMN if every_column else (*COLUMNS, *MORE * bool(said), *(SOURCE,) * named)
    cells = ([row.get(column, "") for column in columns] for row in (*rows, *absent))
    return to_csv(columns, cells)


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
        if study_ids and parse_id(text, "study_id") not in {"", *study_ids}:
            others.add(parse_id(text, "study_id"))
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
        known=EVERY_COLUMN,
        todo=f"Wanted are {join_words(COLUMNS)}; study_id, series_id and condition may be left "
        "out for a single study.",
    )


def _drop_repeats(
    points: Iterable[tuple[Place, Point | BadPoint]], *, one_study: bool
) -> tuple[list[Point | BadPoint], list[BadPoint]]:
    rows: dict[tuple[Any, ...], list[tuple[Place, Point | BadPoint]]] = defaultdict(list)
    for place, point in points:
        study_id = "" if one_study else point.study_id
        rows[study_id, point.condition, point.level].append((place, point))
    good, bad = [], []
    for (_, condition, level), same in rows.items():
        if all(point == same[0][1] for _, point in same):
            good.append(same[0][1])
        else:
            places = _join_places([place for place, _ in same])
            reason = f"{places}: the level is given {len(same)} times. Keep one row."
            bad.append(BadPoint(same[0][1].study_id, condition, level, reason))
    return good, bad


def _join_places(places: Sequence[Place]) -> str:
    """``a.csv, lines 2 and 4 and b.csv, line 3``."""
    files: dict[Path, list[str]] = defaultdict(list)
    for path, place in places:
        files[path].append(place)
    return join_words(
        f"{printable(path.name)}, {rows[0].split()[0]}{'s' if rows[1:] else ''} "
        + join_words(row.split()[1] for row in rows)
        for path, rows in files.items()
    )

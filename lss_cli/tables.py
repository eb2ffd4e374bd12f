"""CSV tables: read with the line that each row stands on, written without formulas."""

import codecs
import csv
import io
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from lss_cli.errors import LssError, UsageError
from lss_cli.text import escape_formula, printable, replace_control, suggest

# RSNA's table of all points has 4 MB; anything near this is some other file.
LARGEST_FILE_BYTES = 256 * 2**20

WORKBOOKS = {".xlsx", ".xlsm", ".xls", ".ods"}

# Of what is looked at to tell separators; Python's reader takes no longer cells.
LONGEST_HEADER = 2**16

# What may stand between cells; the first is meant where a header has none, or two as often.
SEPARATORS = ",;\t"


def read_text(path: Path, error: type[LssError], where: str = "") -> str:
    """Read a file in UTF-8, or in UTF-16 with a byte order mark, as spreadsheets save it.

    Args:
        path: The file.
        error: What to raise.
        where: How errors name the file; its path when not given.

    Raises:
        LssError: `error`: the file is missing, unreadable, too large, empty or neither
            UTF-8 nor UTF-16.
    """
    where = where or str(path)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise error("the file is too large for a table.", where=where)
        content = path.read_bytes()
        utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as fault:
        raise error(
            f"it is not {'UTF-16' if utf16 else 'UTF-8'} text (byte {fault.start}).",
            where=where,
            todo="Save it as 'CSV UTF-8'.",
        ) from fault
    except FileNotFoundError:
        raise error("there is no such file.", where=str(path), todo="Check the path.") from None
    except OSError as fault:
        raise error(f"it cannot be read ({fault.strerror}).", where=str(path)) from fault
    if not text.strip():
        raise error("the file is empty.", where=where)
    return text


def check_csv_name(path: Path | None, option: str) -> None:
    """Refuse a name under which spreadsheets would not open a CSV file.

    Raises:
        UsageError: It is that of a workbook.
    """
    if path and path.suffix.lower() in WORKBOOKS:
        raise UsageError(
            f"{option} writes CSV, which is no {path.suffix} workbook.",
            todo=f"Name it {path.stem}.csv: Excel and LibreOffice open that, and save workbooks.",
        )


class CsvReader:
    """The rows of a CSV text, one list of cells each.

    Args:
        text: The table; its first row is the header. Commas, semicolons or tabs separate its cells.
        error: What to raise where it is no CSV.
        where: How errors name the table.

    Attributes:
        names: The cells of the header.
    """

    def __init__(self, text: str, error: type[LssError], where: str) -> None:
        file = io.StringIO(text, newline="")
        header = file.readline()
        file.seek(0)
        self._reader = csv.reader(
            file,
            strict=True,
            skipinitialspace=True,
            delimiter=max(SEPARATORS, key=lambda mark: _count_cells(header, mark)),
        )
        self._error = error
        self._where = where
        self.names = [name.strip() for name in next(iter(self), [])]

    @property
    def line(self) -> int:
        """The line that the last row ended on, counted from 1."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        try:
            yield from self._reader
        except csv.Error as fault:
            raise self._error(
                f"it cannot be read as CSV ({fault}).", where=f"{self._where}, line {self.line}"
            ) from fault


def _count_cells(header: str, separator: str) -> int:
    """How many cells a separator would make of the header."""
    return len(next(csv.reader([header[:LONGEST_HEADER]], delimiter=separator), []))


def check_columns(
    names: Collection[str],
    required: Iterable[str],
    error: type[LssError],
    where: str,
    *,
    known: Collection[str] = (),
    todo: str = "",
) -> None:
    """Check that a header names what is needed, and nothing of it twice.

    Args:
        names: The columns that are there.
        required: The columns that have to be there.
        error: What to raise.
        where: Where the header stands.
        known: The columns that are read; of all others a name may stand there twice. Without
            them, every name has to be unique.
        todo: What to do about a missing column.

    Raises:
        LssError: `error`: a column is missing or ambiguous.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen and (not known or name in known):
            raise error(f"the column {printable(name)!r} is there twice.", where=where)
        seen.add(name)
    missing = next((name for name in required if name not in seen), None)
    if missing is None:
        return
    hint = suggest(missing, seen.difference(known))
    raise error(f"the column {missing!r} is missing.{hint}", where=where, todo=todo)


def write_rows(file: TextIO, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    r"""Write a header and rows with ``\n`` line ends and no formulas.

    Examples:
        >>> import sys
        >>> write_rows(sys.stdout, ["a", "b"], [["=1+1", -5.5], [None, "-5.5"]])
        a,b
        '=1+1,-5.5
        ,-5.5
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(escape_cell, columns))
    writer.writerows(map(escape_cell, row) for row in rows)


def to_csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """As `write_rows`, into a string."""
    text = io.StringIO()
    write_rows(text, columns, rows)
    return text.getvalue()


def escape_cell(cell: object) -> object:
    """Quote a formula and replace control characters; a negative number is no formula."""
    if not isinstance(cell, str):
        return cell
    try:
        float(cell)
    except ValueError:
        return escape_formula(replace_control(cell))
    return cell

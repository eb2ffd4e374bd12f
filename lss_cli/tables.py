r"""CSV tables: read with the line that each row stands on, written without formulas.

Reading and writing rows does without pandas; what makes data frames of them loads it when called.
"""

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Level, Severity
from lss_cli.errors import DataError, LssError
from lss_cli.text import escape_formula, printable, suggest

if TYPE_CHECKING:
    import pandas as pd

E = TypeVar("E", bound=StrEnum)

# RSNA's table of all points has 4 MB; anything near this is some other file.
LARGEST_FILE_BYTES = 256 * 2**20


def read_text(path: Path, error: type[LssError], where: str = "") -> str:
    """Read a UTF-8 file, with or without a byte order mark.

    Args:
        path: The file.
        error: What to raise.
        where: How errors name the file; its path when not given.

    Raises:
        LssError: `error`: the file is missing, unreadable, too large, empty or not UTF-8.
    """
    where = where or str(path)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise error("the file is too large for a table.", where=where)
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise error(
            f"it is not UTF-8 text (byte {fault.start}).",
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


class CsvReader:
    """The rows of a CSV text, one list of cells each.

    Args:
        text: The table; its first row is the header.
        error: What to raise where it is no CSV.
        where: How errors name the table.

    Attributes:
        names: The cells of the header.
    """

    def __init__(self, text: str, error: type[LssError], where: str) -> None:
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
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
    if len(names) == 1 and (marks := {";", "\t"}.intersection(*names)):
        mark = "semicolons" if ";" in marks else "tabs"
        hint = f" The columns are separated by {mark}, commas are wanted."
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
    writer.writerow(map(_escape_cell, columns))
    writer.writerows(map(_escape_cell, row) for row in rows)


def to_csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """As `write_rows`, into a string."""
    text = io.StringIO()
    write_rows(text, columns, rows)
    return text.getvalue()


def _escape_cell(cell: object) -> object:
    """A negative number begins like a formula, and is none."""
    if not isinstance(cell, str):
        return cell
    try:
        float(cell)
    except ValueError:
        return escape_formula(cell)
    return cell


def read_table(path: Path, required: Iterable[str]) -> "pd.DataFrame":
    """Read a CSV file as text, so that ids never become floats.

    Args:
        path: A UTF-8 file with a header line.
        required: Columns that it must have; others are kept.

    Returns:
        One row per record: every cell a stripped string, plus `line`, the line in the file that
        the record ends on (the header is line 1). Blank lines are no records.

    Raises:
        DataError: The file is missing, empty, mis-encoded or ragged, or lacks a column.
    """
    import pandas as pd

    reader = CsvReader(read_text(path, DataError), DataError, str(path))
    check_columns(reader.names, required, DataError, f"{path}, line 1")
    records, lines = [], []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != len(reader.names):
            raise DataError(
                f"this line has {len(cells)} cells, the header {len(reader.names)}.",
                where=f"{path}, line {reader.line}",
                todo="Quote cells that hold a comma.",
            )
        records.append(cells)
        lines.append(reader.line)
    return pd.DataFrame(records, columns=reader.names, dtype=str).assign(line=lines)


def write_table(table: "pd.DataFrame", path: Path) -> None:
    r"""Write a CSV table with ``\n`` line ends and no formulas; `path` is a temporary name."""
    text = table.select_dtypes(include=["str", "object"]).columns
    safe = table.assign(**{name: table[name].map(_escape_cell) for name in text})
    safe.to_csv(path, index=False, lineterminator="\n")


def normalize_names(column: "pd.Series[str]", parse: Callable[[str], E]) -> "pd.Series[str]":
    """Bring names to the one vocabulary; what it does not know becomes an empty string."""
    return column.map({text: _parse_name(text, parse) for text in column.unique()}).astype(str)


def _parse_name(text: str, parse: Callable[[str], E]) -> str:
    try:
        return str(parse(text))
    except ValueError:
        return ""


def to_ordinals(column: "pd.Series[str]", words: type[Level | Severity]) -> npt.NDArray[np.int64]:
    """The ordinal of each level (0 to 4) or severity (0 to 2).

    Examples:
        >>> import pandas as pd
        >>> to_ordinals(pd.Series(["Severe", "Normal/Mild"]), Severity)
        array([2, 0])
    """
    known = {str(word): word.ordinal for word in words}
    return np.asarray(column.map(known), np.int64)


def to_numbers(column: "pd.Series[str]") -> "pd.Series[float]":
    """Finite numbers; what is none becomes NaN."""
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").astype(float)
    return values.where(np.isfinite(values))

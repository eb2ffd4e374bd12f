"""CSV tables as data frames, and what is done to their columns."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Level, Severity
from lss_cli.errors import DataError
from lss_cli.files import replacing
from lss_cli.tables import CsvReader, check_columns, escape_cell, read_text

E = TypeVar("E", bound=StrEnum)

# No position, number of an image or length in mm is beyond; 1e300 would overflow in what follows.
LARGEST = 2**31


def read_table(path: Path, required: Iterable[str]) -> pd.DataFrame:
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


def write_table(table: pd.DataFrame, path: Path) -> None:
    r"""Write a CSV table with ``\n`` line ends and no formulas, whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    text = table.select_dtypes(include=["str", "object"]).columns
    safe = table.assign(**{name: table[name].map(escape_cell) for name in text})
    with replacing(path) as file:
        safe.to_csv(file, index=False, lineterminator="\n")


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
        >>> to_ordinals(pd.Series(["Severe", "Normal/Mild"]), Severity)
        array([2, 0])
    """
    known = {str(word): word.ordinal for word in words}
    return np.asarray(column.map(known), np.int64)


def to_numbers(column: "pd.Series[str]") -> "pd.Series[float]":
    """Numbers up to `LARGEST`; what is none becomes NaN."""
    values = pd.to_numeric(column, errors="coerce").astype(float)
    return values.where(values.abs() <= LARGEST)

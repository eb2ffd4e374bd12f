"""CSV tables as text, with the line that each row stands on."""

import csv
import os
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Level, Severity
from lss_cli.errors import DataError
from lss_cli.text import escape_formula, printable, suggest

E = TypeVar("E", bound=StrEnum)


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
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            records = [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except FileNotFoundError:
        raise DataError("there is no such file.", where=str(path), todo="Check the path.") from None
    except OSError as error:
        raise DataError(f"it cannot be read ({error.strerror}).", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"it is not UTF-8 text (byte {error.start}).",
            where=str(path),
            todo="Save it as 'CSV UTF-8'.",
        ) from error
    except csv.Error as error:
        raise DataError(f"it is no CSV table ({error}).", where=str(path)) from error
    _check_header(path, header, required)
    for line, cells in records:
        if len(cells) != len(header):
            raise DataError(
                f"this line has {len(cells)} cells, the header {len(header)}.",
                where=f"{path}, line {line}",
                todo="Quote cells that hold a comma.",
            )
    table = pd.DataFrame(
        [[cell.strip() for cell in cells] for _, cells in records], columns=header, dtype=str
    )
    return table.assign(line=[line for line, _ in records])


def _check_header(path: Path, header: list[str], required: Iterable[str]) -> None:
    if not any(header):
        raise DataError("it is empty.", where=str(path))
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise DataError(f"column {printable(twice[0])!r} is there twice.", where=str(path))
    for name in required:
        if name not in header:
            raise DataError(
                f"column {name!r} is missing.{suggest(name, header)}", where=f"{path}, line 1"
            )


def write_table(table: pd.DataFrame, path: Path) -> None:
    r"""Write a CSV table with ``\n`` line ends and no formulas; `path` is a temporary name."""
    text = table.select_dtypes(include=["str", "object"]).columns
    safe = table.assign(**{name: table[name].map(_harmless) for name in text})
    safe.to_csv(path, index=False, lineterminator="\n")


def _harmless(cell: str) -> str:
    """A negative number begins like a formula, and is none."""
    try:
        float(cell)
    except ValueError:
        return escape_formula(cell)
    return cell


def normalize_names(column: "pd.Series[str]", parse: Callable[[str], E]) -> "pd.Series[str]":
    """Bring names to the one vocabulary; what it does not know becomes an empty string."""
    return column.map({text: _parsed(text, parse) for text in column.unique()}).astype(str)


def _parsed(text: str, parse: Callable[[str], E]) -> str:
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
    """Finite numbers; what is none becomes NaN."""
    values = pd.to_numeric(column, errors="coerce").astype(float)
    return values.where(np.isfinite(values))


def path_inside(folder: Path, name: str) -> Path | None:
    """The path of `name` under `folder`, or ``None`` where it would lead out of it.

    Tables come from others: a row must not be able to name any file of this machine.
    """
    path = Path(os.path.normpath(folder / name))
    root = Path(os.path.normpath(folder))
    absolute = Path(name).is_absolute() or "\\" in name or "\0" in name
    return path if name and not absolute and path.is_relative_to(root) and path != root else None

"""``predictions.csv``: labelled probabilities, from whatever program."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import DEFAULT_CONDITION, Condition, Level, Severity, row_id
from lss_cli.dataset.dataframes import read_table, to_numbers, to_ordinals, write_table
from lss_cli.dataset.split import TEST, TRAIN
from lss_cli.errors import DataError
from lss_cli.evaluation.grade_counts import TRAINING_PART, GradeCounts
from lss_cli.evaluation.sample import Float64Array, Labels, Probabilities
from lss_cli.evaluation.tilt import untilt
from lss_cli.rule import LIKELIEST, GradeRule
from lss_cli.text import join_words, printable

# The name that the table has in a run folder.
PREDICTIONS = "predictions.csv"

PROBABILITIES = [severity.column for severity in Severity]
COLUMNS = ["row_id", "study_id", "condition", "level", "split", "severity", *PROBABILITIES]
# In slices from the annotated one, where that is known; the last column then.
DISTANCE = "distance"
REQUIRED = ["study_id", "level", "severity", *PROBABILITIES]
# All parts, or all levels.
ALL = "all"

# How far three probabilities may be from summing to 1: three of two decimals.
ROUNDING = 0.011


@dataclass(frozen=True, eq=False)
class Predictions:
    """Labelled probabilities.

    Attributes:
        name: What they are called, for people.
        table: One row per label: ``row_id``, ``study_id``, ``condition``, ``level``, ``split``,
            ``severity``, ``normal_mild``, ``moderate``, ``severe``; ``distance``, in slices from
            the annotated one, where it is known.
        training: How often each grade was seen in training, where known: what a baseline may
            learn from.
        start: The weights that the network's training started from, for people; empty where that
            is not known.
        rule: By which probabilities become grades: that of the model, where one was run.
    """

    name: str
    table: pd.DataFrame
    training: GradeCounts | None = None
    start: str = ""
    rule: GradeRule = LIKELIEST

    @cached_property
    def labels(self) -> Labels:
        """The label of each row, 0 to 2."""
        return to_ordinals(self.table["severity"], Severity)

    @cached_property
    def levels(self) -> Labels:
        """The level of each row, 0 to 4."""
        return to_ordinals(self.table["level"], Level)

    @cached_property
    def sides(self) -> "npt.NDArray[np.str_]":
        """``left``, ``right`` or nothing: that of each row itself, which its ``row_id`` names."""
        keys = self.table[["row_id", "study_id", "condition", "level"]].itertuples(index=False)
        return np.array([_own_side(*key) for key in keys], dtype=str)

    @cached_property
    def distances(self) -> "npt.NDArray[np.str_]":
        """Slices from the annotated one, of each row; empty where that is not known."""
        known = self.table.get(DISTANCE, pd.Series("", self.table.index))
        return np.array(known, dtype=str)

    @cached_property
    def probabilities(self) -> Float64Array:
        """N × 3."""
        return self.table[PROBABILITIES].to_numpy(np.float64)

    @property
    def studies(self) -> int:
        """How many there are."""
        return int(self.table["study_id"].nunique())

    def untilted(self) -> "Predictions":
        """These, if they were made for the competition's metric, as plain probabilities."""
        columns = dict(zip(PROBABILITIES, untilt(self.probabilities).T, strict=True))
        return replace(self, table=self.table.assign(**columns))

    def part(self, split: str) -> "Predictions":
        """The rows of one part, or all.

        Raises:
            DataError: There are none, or one label is among them twice.
        """
        check_part(self.name, self.table, split)
        table = self.table if split == ALL else self.table[self.table["split"] == split]
        if (twice := table["row_id"].duplicated()).any():
            raise DataError(
                f"the label {printable(table['row_id'][twice].iloc[0])} is there twice.",
                where=self.name,
                todo="Choose one part with --split." if split == ALL else "Keep one row of each.",
            )
        return replace(self, table=table.reset_index(drop=True))


def check_part(name: str, table: pd.DataFrame, split: str) -> None:
    """Say which parts there are if the wanted one is not among them.

    Raises:
        DataError: No row belongs to it.
    """
    if split != ALL and not (table["split"] == split).any():
        counts = table["split"].value_counts()
        there = join_words(f"{printable(part)} ({count})" for part, count in counts.items())
        raise DataError(
            f"there is no row of the part {split!r}.",
            where=name,
            todo=f"Its parts are {there}; choose one with --split, or all.",
        )


def _own_side(name: str, study_id: str, condition: str, level: str) -> str:
    """A mirrored row stands in for the other side, and keeps its own side's name."""
    stands_for = Condition(condition)
    mirrored = name == row_id(study_id, stands_for.mirrored, Level(level))
    return str((stands_for.mirrored if mirrored else stands_for).side or "")


def training_part(table: pd.DataFrame) -> GradeCounts | None:
    """What a network learnt from, where a table holds it."""
    rows = table[table["split"] == TRAIN]
    return None if rows.empty else GradeCounts.of_rows(rows, TRAINING_PART)


def read_predictions(path: Path, name: str | None = None) -> Predictions:
    """Read a ``predictions.csv``.

    Args:
        path: A CSV file with the columns of `REQUIRED`; ``row_id``, ``condition``, ``split`` and
            ``distance`` are read where they are there. Without ``split``, all rows are the test
            part.
        name: What to call them; the file's name if not given.

    Raises:
        DataError: It cannot be read, or a cell is wrong; says which line and column.
    """
    table = read_table(path, REQUIRED)
    if table.empty:
        raise DataError("the table has a header but no rows.", where=str(path))
    if "condition" not in table:
        table["condition"] = str(DEFAULT_CONDITION)
    if "split" not in table:
        table["split"] = TEST
    _fail_at(path, table, "study_id", table["study_id"] == "", "is empty")
    table["condition"] = _parse_words(path, table, "condition", Condition.parse)
    table["level"] = _parse_words(path, table, "level", Level.parse)
    table["severity"] = _parse_words(path, table, "severity", Severity.parse)
    for column in PROBABILITIES:
        values = to_numbers(table[column])
        _fail_at(path, table, column, ~values.between(0, 1), "is no probability from 0 to 1")
        table[column] = values
    sums = table[PROBABILITIES].sum(axis=1)
    if (odd := (sums - 1).abs() > ROUNDING).any():
        raise DataError(
            f"the three probabilities sum to {sums[odd].iloc[0]:.3g}, not 1.",
            where=f"{path}, line {table['line'][odd].iloc[0]}",
        )
    if "row_id" not in table:
        keys = zip(table["study_id"], table["condition"], table["level"], strict=True)
        table["row_id"] = [row_id(study, Condition(c), Level(level)) for study, c, level in keys]
    if DISTANCE in table:
        slices = to_numbers(table[DISTANCE])
        odd = (table[DISTANCE] != "") & ~((slices >= 0) & (slices % 1 == 0))
        _fail_at(path, table, DISTANCE, odd, "is no number of slices")
        table[DISTANCE] = slices.map("{:g}".format).where(slices.notna(), "")
    columns = [*COLUMNS, *({DISTANCE} & {*table})]
    return Predictions(name or path.name, table[columns], training_part(table))


def write_predictions(path: Path, index: pd.DataFrame, probabilities: Probabilities) -> None:
    """Write a ``predictions.csv``, with six decimals.

    Args:
        path: Of the file.
        index: One row per label, with all of `COLUMNS` but the probabilities; with ``distance``
            that is written where one is known.
        probabilities: N × 3.

    Raises:
        OutputError: The file cannot be written.
    """
    columns = dict(zip(PROBABILITIES, probabilities.round(6).T, strict=True))
    known = DISTANCE in index and bool((index[DISTANCE] != "").any())
    table = index.assign(**columns)
    write_table(table[[*COLUMNS, DISTANCE] if known else COLUMNS], path)


def _parse_words(
    path: Path, table: pd.DataFrame, column: str, parse: Callable[[str], object]
) -> "pd.Series[str]":
    """Bring a column to the one vocabulary; the first word that it does not know is an error."""
    known = {}
    for word in table[column].unique():
        try:
            known[word] = str(parse(word))
        except ValueError as error:
            line = table["line"][table[column] == word].iloc[0]
            raise DataError(
                printable(error, 200), where=f"{path}, line {line}, column {column}"
            ) from None
    return table[column].map(known).astype(str)


def _fail_at(
    path: Path, table: pd.DataFrame, column: str, odd: "pd.Series[bool]", what: str
) -> None:
    if odd.any():
        line, cell = table["line"][odd].iloc[0], printable(table[column][odd].iloc[0])
        raise DataError(f"{cell!r} {what}.", where=f"{path}, line {line}, column {column}")

"""The master table: one row per label and point, each usable or with the reason why not."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.dataset.dataframes import normalize_names, to_numbers

KEYS = ["study_id", "condition", "level"]
# Those of the points of all sources.
POINT_COLUMNS = ["study_id", "series_id", "instance_number", "condition", "level", "x", "y"]
COLUMNS = ["file", "line", *POINT_COLUMNS, "series_description", "severity", "annotated_instance"]
# Whether a point was given or derived.
COLUMNS += ["points"]


class Reason(StrEnum):
    """Why a row of the master table is not used."""

    UNKNOWN_CONDITION = "unknown condition"
    UNKNOWN_LEVEL = "unknown level"
    UNKNOWN_SEVERITY = "unknown severity"
    NO_STUDY = "no study_id"
    DUPLICATE = "duplicate"
    NO_LABEL = "no label"
    NO_POINT = "no point"
    NO_MIDDLE = "the middle between left and right is not known"
    NOT_A_NUMBER = "not a number"
    UNKNOWN_SERIES = "series not described"
    WRONG_SERIES = "wrong kind of series"
    FAR_SLICE = "more than one slice from the annotated one"
    BAD_PATH = "image path leads out of the table's folder"
    MISSING = "image missing"
    UNREADABLE = "image unreadable"
    TOO_FEW_SLICES = "too few neighbouring slices"
    POINT_OUTSIDE = "point outside the image"
    NORMAL_STUDY = "study left out: all levels Normal/Mild"
    SURPLUS_STUDY = "study left out: equal grades"
    MIRRORED_HELD_OUT = "mirrored side of a held-out study"


class Unusable(Exception):  # noqa: N818 - it is a verdict on one row, not a fault
    """One row cannot be used; the others can."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def reject(
    table: pd.DataFrame,
    where: npt.ArrayLike,
    reason: Reason,
    detail: "str | pd.Series[str]" = "",
) -> None:
    """Give rows a reason not to be used, and a detail, unless they have them already."""
    first = np.asarray(where, dtype=bool) & usable(table).to_numpy()
    table.loc[first, "reason"] = str(reason)
    table.loc[first, "detail"] = detail if isinstance(detail, str) else detail[first]


def usable(table: pd.DataFrame) -> "pd.Series[bool]":
    """The rows that nothing speaks against so far."""
    return table["reason"] == ""


def check_keys(table: pd.DataFrame) -> pd.DataFrame:
    """Bring condition and level to the one vocabulary; reject what names no row, or one again.

    Args:
        table: Text columns ``study_id``, ``condition``, ``level``, and ``line``.

    Returns:
        A copy; unknown names stay as they were read.
    """
    table = table.assign(reason="", detail="")
    for column, parse, reason in (
        ("condition", Condition.parse, Reason.UNKNOWN_CONDITION),
        ("level", Level.parse, Reason.UNKNOWN_LEVEL),
    ):
        known = normalize_names(table[column], parse)
        reject(table, known == "", reason)
        table[column] = known.where(known != "", table[column])
    reject(table, table["study_id"] == "", Reason.NO_STUDY)
    good = table[usable(table)]
    first = good.groupby(KEYS, sort=False)["line"].transform("first").reindex(table.index)
    again = (first != table["line"]) & usable(table)
    reject(
        table, again, Reason.DUPLICATE, "the first is on line " + first.astype("Int64").astype(str)
    )
    return table


def slice_distances(table: pd.DataFrame) -> "pd.Series[str]":
    """How many slices each point lies from the annotated one; empty where that is not known.

    Args:
        table: ``instance_number`` and ``annotated_instance``, as text.

    Examples:
        >>> rows = {"instance_number": ["7", "8", "8"], "annotated_instance": ["7", "7.0", ""]}
        >>> slice_distances(pd.DataFrame(rows)).tolist()
        ['0', '1', '']
    """
    distance = to_numbers(table["annotated_instance"]) - to_numbers(table["instance_number"])
    return distance.abs().map(lambda slices: "" if np.isnan(slices) else f"{slices:g}").astype(str)


def select(table: pd.DataFrame, conditions: Sequence[Condition]) -> pd.DataFrame:
    """Leave out the rows of other conditions; rows of unknown ones stay, to be seen."""
    others = set(map(str, Condition)) - set(map(str, conditions))
    return table[~table["condition"].isin(list(others))].reset_index(drop=True)


def check_values(table: pd.DataFrame) -> pd.DataFrame:
    """Reject rows without a usable label or point.

    Args:
        table: The columns of `COLUMNS` as text, with reasons; an empty cell is a missing one.

    Returns:
        A copy with severities in the one vocabulary.
    """
    table = table.copy()
    reject(table, table["severity"] == "", Reason.NO_LABEL)
    known = normalize_names(table["severity"], Severity.parse)
    reject(table, known == "", Reason.UNKNOWN_SEVERITY)
    table["severity"] = known.where(known != "", table["severity"])
    places = table[["series_id", "instance_number", "x", "y"]]
    reject(table, (places == "").to_numpy().any(axis=1), Reason.NO_POINT)
    for column in ("x", "y", "instance_number"):
        value = to_numbers(table[column])
        odd = value.isna() if column in {"x", "y"} else ~(value % 1 == 0)
        reject(table, odd, Reason.NOT_A_NUMBER, f"{column} is " + table[column])
    return table

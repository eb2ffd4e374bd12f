"""RSNA's wide table of labels: a column for each condition and level."""

import re
from pathlib import Path

import pandas as pd

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.dataframes import read_table
from lss_cli.errors import DataError


def read_labels(path: Path) -> pd.DataFrame:
    """Read a table like RSNA's ``train.csv``.

    Args:
        path: A CSV with ``study_id`` and columns like ``left_subarticular_stenosis_l4_l5``.

    Returns:
        One row per label that is there, all text but ``line``: ``study_id``, ``line``,
        ``severity``, ``condition``, ``level`` and ``file``.

    Raises:
        DataError: It is missing or no such table.
    """
    wide = read_table(path, ["study_id"])
    labels = {name: key for name in wide.columns if (key := _condition_and_level(name))}
    if not labels:
        raise DataError(
            "no column names a condition and a level.",
            where=f"{path}, line 1",
            todo="A column is named like 'left_subarticular_stenosis_l4_l5'.",
        )
    table = wide.melt(["study_id", "line"], list(labels), var_name="column", value_name="severity")
    keys = table.pop("column").map(labels)
    table["condition"], table["level"] = keys.str[0], keys.str[1]
    return table[table["severity"] != ""].reset_index(drop=True).assign(file=path.name)


def _condition_and_level(column: str) -> tuple[str, str] | None:
    """``left_subarticular_stenosis_l4_l5`` → condition and level; ``None`` for other columns."""
    words = re.sub(r"\W+", "_", column).lower().split("_")
    condition, level = "_".join(words[:-2]), "_".join(words[-2:])
    try:
        return str(Condition.parse(condition)), str(Level.parse(level))
    except ValueError:
        return None

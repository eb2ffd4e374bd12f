"""How often each grade was seen in training: all that is known without an image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lss_cli.anatomy import Level, Severity
from lss_cli.dataset.dataframes import to_ordinals
from lss_cli.evaluation.sample import GRADES, Labels

TRAINING_PART = "training part"
EVALUATED_ROWS = "evaluated rows"
MODEL_FILE = "model file"


@dataclass(frozen=True, eq=False)
class GradeCounts:
    """How often each grade was seen.

    Attributes:
        source: Where: `TRAINING_PART`, `EVALUATED_ROWS`, or in what a `MODEL_FILE` was trained on.
        by_grade: 3 counts; all 0 where nothing is known.
        by_level: 5 × 3 counts; ``None`` where they are not known by level.
    """

    source: str
    by_grade: Labels
    by_level: Labels | None = None

    @classmethod
    def of_rows(cls, rows: pd.DataFrame, source: str) -> "GradeCounts":
        """Count rows, which have ``level`` and ``severity``."""
        by_level = np.zeros((len(Level), GRADES), np.int64)
        at = to_ordinals(rows["level"], Level), to_ordinals(rows["severity"], Severity)
        np.add.at(by_level, at, 1)
        return cls(source, by_level.sum(axis=0), by_level)

    @classmethod
    def of_model(cls, training: Mapping[str, Any]) -> "GradeCounts":
        """What a model file says of its training data; files made before 0.2 say it of no level.

        >>> part = {"Normal/Mild": 5, "Moderate": 3, "Severe": 1}
        >>> GradeCounts.of_model({"parts": {"train": part}}).by_grade
        array([5, 3, 1])
        """
        levels, parts = training.get("levels"), training.get("parts")
        by_level = [_counts(levels, str(level)) for level in Level]
        if known := [counts for counts in by_level if counts is not None]:
            table = np.array([np.zeros(GRADES) if c is None else c for c in by_level], np.int64)
            return cls(MODEL_FILE, np.sum(known, axis=0), table)
        overall = _counts(parts, "train")
        return cls(MODEL_FILE, np.zeros(GRADES, np.int64) if overall is None else overall)

    def to_json(self) -> dict[str, dict[str, int]]:
        """The counts at each level, as `of_model` reads them."""
        rows = [] if self.by_level is None else self.by_level.tolist()
        return {
            str(level): dict(zip(map(str, Severity), counts, strict=True))
            for level, counts in zip(Level, rows, strict=False)
        }


def _counts(table: object, name: str) -> Labels | None:
    """Three counts of a file that is not to be trusted; ``None`` unless they are counts."""
    row = table.get(name) if isinstance(table, Mapping) else None
    counts = [row.get(str(grade)) for grade in Severity] if isinstance(row, Mapping) else []
    if not counts or not all(type(count) is int and 0 <= count < 2**40 for count in counts):
        return None
    return np.array(counts, np.int64)

"""Which studies to leave out, so that the grades are less unequal."""

import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Level, Severity
from lss_cli.dataset.sources.master_table import Reason


def all_normal(table: pd.DataFrame) -> "pd.Series[bool]":
    """The rows of a study whose five levels are all labelled Normal/Mild.

    Every condition is judged by itself. A label counts whether or not its row can be used; a level
    without a label keeps the study.

    Args:
        table: ``study_id``, ``source_condition``, ``severity`` and ``reason``.
    """
    # Of a label that is there twice the first counts.
    normal = (table["severity"] == Severity.NORMAL_MILD) & (table["reason"] != Reason.DUPLICATE)
    return normal.groupby([table["study_id"], table["source_condition"]]).transform("sum") == len(
        Level
    )


def surplus_studies(rows: pd.DataFrame, seed: int) -> set[str]:
    """The studies to leave out so that each severity has as many rows as any other.

    Whole studies are left out, one by one: always that which evens out the most for each of its
    rows. On the RSNA labels this keeps as many rows as any choice of whole studies could.

    Args:
        rows: ``study_id`` and ``severity`` of the usable rows.
        seed: Decides between studies with the same labels.
    """
    counts = severity_counts(rows)
    # A severity that does not occur cannot be evened out.
    vectors = counts.loc[:, counts.sum() > 0].to_numpy(dtype=float)
    kinds, kind_of = np.unique(vectors, axis=0, return_inverse=True)
    surplus = _surplus(kinds, np.bincount(kind_of.ravel(), minlength=len(kinds)))
    ranked = sorted(
        zip(counts.index, kind_of.ravel(), strict=True),
        key=lambda pair: hashlib.sha256(f"{seed}:{pair[0]}".encode()).digest(),
    )
    dropped = set()
    for study, kind in ranked:
        if surplus[kind] > 0:
            surplus[kind] -= 1
            dropped.add(str(study))
    return dropped


def severity_counts(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of each severity (columns, all three) in each study (index)."""
    counts = rows.groupby(["study_id", "severity"]).size().unstack(fill_value=0)
    return counts.reindex(columns=list(map(str, Severity)), fill_value=0)


def _surplus(kinds: npt.NDArray[np.float64], count: npt.NDArray[np.int64]) -> list[int]:
    """How many studies of each kind to leave out.

    Args:
        kinds: Rows per severity, of each kind of study (kinds × severities).
        count: Studies of each kind.
    """
    left, surplus = count.copy(), np.zeros_like(count)
    total = count @ kinds
    while True:
        gain = _uneven(total) - _uneven(total - kinds)
        gain[left == 0] = 0
        best = int((gain / kinds.sum(axis=1)).argmax())
        if gain[best] <= 0:
            return list(map(int, surplus))
        left[best] -= 1
        surplus[best] += 1
        total = total - kinds[best]


def _uneven(totals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum of squared deviations from the mean."""
    mean = totals.mean(axis=-1, keepdims=True)
    return np.asarray(((totals - mean) ** 2).sum(axis=-1))

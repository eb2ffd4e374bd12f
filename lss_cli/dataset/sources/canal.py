"""The spinal canal in axial slices: its point is the middle between those of both recesses."""

from pathlib import Path

import numpy as np
import pandas as pd

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.dataframes import normalize_names, to_numbers
from lss_cli.dataset.sources.labels import read_labels
from lss_cli.errors import DataError

CANAL = str(Condition.SPINAL_CANAL)
LEFT, RIGHT = str(Condition.LEFT_SUBARTICULAR), str(Condition.RIGHT_SUBARTICULAR)

# Where a point comes from, as a column of the master table.
POINTS, GIVEN, DERIVED, ESTIMATED = "points", "given", "derived", "estimated"
# Why the middle is not known; empty where it is.
NO_MIDDLE = "no_middle"

# The canal lies so far from the left recess towards the midline, in widths of a slice: half the
# median distance of both in the RSNA data (1,946 pairs of one series; 5 % to 95 %: .031 to .061).
FROM_LEFT = 0.045


def read_canal_labels(path: Path) -> pd.DataFrame:
    """The canal's labels in a table like RSNA's ``train.csv``; see `read_labels`.

    Raises:
        DataError: It is missing, no such table, or has none of the canal.
    """
    labels = read_labels(path)
    canal = labels[labels["condition"] == CANAL].reset_index(drop=True)
    if canal.empty:
        raise DataError(
            "there is no label of the spinal canal.",
            where=str(path),
            todo="Its columns are named like 'spinal_canal_stenosis_l4_l5'.",
        )
    return canal


def derive_canal(points: pd.DataFrame) -> pd.DataFrame:
    """Put a point of the canal between the left and the right point of each study and level.

    It lies in the left point's slice, at the middle in the plane of both; whether these lie in one
    slice or in two of a series makes no difference. Places in two series cannot be compared by a
    table: the canal then lies where it usually does, seen from the left point, and is marked as
    estimated. Of a point that is there twice the first counts.

    Args:
        points: Text columns ``study_id``, ``condition``, ``level``, ``series_id``, ``x``, ``y``,
            maybe ``origin_x``, ``origin_y``, ``full_width`` and ``full_height``, and others, which
            are the left point's afterwards.

    Returns:
        One row per study and level with a point on either side: the same columns, ``points`` and
        ``no_middle``, which says why there is no ``x`` and ``y`` where there are none.
    """
    columns = [name for name in points.columns if name not in {POINTS, NO_MIDDLE}]
    named = points.reset_index(drop=True).assign(
        condition=normalize_names(points["condition"], Condition.parse).to_numpy(),
        level=normalize_names(points["level"], Level.parse).to_numpy(),
    )
    named = named[named["level"] != ""].drop_duplicates(["study_id", "condition", "level"])
    sides = [
        named[named["condition"] == side].set_index(["study_id", "level"]) for side in (LEFT, RIGHT)
    ]
    left, right = (side.reindex(sides[0].index.union(sides[1].index)) for side in sides)
    middles = left.where(left["condition"].notna(), right)
    middles = middles.assign(condition=CANAL, points=DERIVED, no_middle="")
    for side, name in ((left, "left"), (right, "right")):
        _say(middles, side["condition"].isna(), f"no {name} point")
    apart = left["series_id"] != right["series_id"]
    unknown = pd.Series("", left.index)
    width = to_numbers(left.get("full_width", unknown))
    _say(middles, apart & width.isna(), "they lie in different series")
    usual = to_numbers(left["x"]) - FROM_LEFT * width, to_numbers(left["y"])
    for axis, estimate in zip("xy", usual, strict=True):
        from_right = _origin(right, axis) - _origin(left, axis) + to_numbers(right[axis])
        middle = (to_numbers(left[axis]) + from_right) / 2
        middle = middle.mask(apart, estimate)
        _say(middles, middle.isna(), f"{axis} of left or right is no number")
        middles[axis] = middle.map("{:.8g}".format)
    middles.loc[apart, POINTS] = ESTIMATED
    middles.loc[middles[NO_MIDDLE] != "", ["x", "y"]] = ""
    return middles.reset_index()[[*columns, POINTS, NO_MIDDLE]]


def _origin(side: pd.DataFrame, axis: str) -> "pd.Series[float]":
    """Where the image begins in the full slice; an image that is a full slice names no origin."""
    name = f"origin_{axis}"
    if name not in side:
        return pd.Series(0.0, side.index)
    given = side[name].replace("", "0")
    return to_numbers(given)


def _say(middles: pd.DataFrame, where: "pd.Series[bool]", reason: str) -> None:
    first = np.asarray(where, bool) & (middles[NO_MIDDLE] == "").to_numpy()
    middles.loc[first, NO_MIDDLE] = reason

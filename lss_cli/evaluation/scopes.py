"""The rows that figures are given of: all, and those of each side, level, severity and distance."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Level, Severity, Side
from lss_cli.evaluation.predictions import ALL, Predictions

Grouping = Literal["all", "side", "level", "severity", "distance"]

NO_SIDE = "no side"
# By the distance in slices.
DISTANCES = {"0": "annotated slice", "1": "one slice off", "": "distance unknown"}
# Groups that would repeat what is said of all rows if they had one member.
WANT_SEVERAL = ("side", "distance")


@dataclass(frozen=True, eq=False)
class Scope:
    """Some of the rows.

    Attributes:
        group: What they have in common.
        rows: Their places, in order.
    """

    group: Grouping
    rows: npt.NDArray[np.intp]


def scopes_of(part: Predictions) -> dict[str, Scope]:
    """All rows, and those of each side, level, severity and distance that there is, by name."""
    sides = {str(side): part.sides == side for side in Side} | {NO_SIDE: part.sides == ""}
    groups: dict[Grouping, dict[str, npt.NDArray[np.bool_]]] = {
        "side": sides,
        "level": {str(level): part.levels == level.ordinal for level in Level},
        "severity": {str(grade): part.labels == grade.ordinal for grade in Severity},
        "distance": {
            DISTANCES.get(slices, f"{slices} slices off"): part.distances == slices
            for slices in sorted(set(part.distances), key=lambda slices: (not slices, slices))
        },
    }
    scopes = {ALL: Scope("all", np.arange(len(part.labels)))}
    for group, members in groups.items():
        there = {name: np.flatnonzero(member) for name, member in members.items() if member.any()}
        if len(there) > (group in WANT_SEVERAL):
            scopes |= {name: Scope(group, rows) for name, rows in there.items()}
    return scopes

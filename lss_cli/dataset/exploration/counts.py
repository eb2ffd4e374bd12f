"""What is in the data, in counts: the tables behind the figures."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.dataset.dataframes import to_numbers
from lss_cli.dataset.divide import BALANCED_AWAY
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.sources.master_table import usable

LEVELS, SEVERITIES = list(map(str, Level)), list(map(str, Severity))
BEFORE, AFTER = "before balancing", "after balancing"
AXIAL = Condition.LEFT_SUBARTICULAR.series_description


@dataclass(frozen=True)
class Exploration:
    """Counts of a source and of what was prepared from it.

    Attributes:
        conditions: Points of each condition in the whole source.
        by_level: Used rows by level and severity, before and after balancing (one entry if there
            was none).
        axial_series: Studies by their number of axial T2 series.
        places: ``condition``, ``x`` and ``y`` of every point used, before mirroring its side.
        unit: Of the places: ``fraction`` of the oriented slice, or ``pixels`` of the files where
            no image was opened.
    """

    conditions: "pd.Series[int]"
    by_level: dict[str, pd.DataFrame]
    axial_series: "pd.Series[int]"
    places: pd.DataFrame
    unit: str

    @property
    def levels(self) -> pd.DataFrame:
        """Rows of each level, before and after."""
        return pd.DataFrame({name: table.sum(axis=1) for name, table in self.by_level.items()})

    @property
    def severities(self) -> pd.DataFrame:
        """Rows of each severity, before and after."""
        return pd.DataFrame({name: table.sum(axis=0) for name, table in self.by_level.items()})

    @property
    def place_summary(self) -> pd.DataFrame:
        """Median and middle nine tenths of the points' x and y, by condition."""
        digits = 3 if self.unit == "fraction" else 0
        rows = {
            name: {
                f"{axis}, {what}": round(float(group[axis].quantile(q)), digits)
                for axis in ("x", "y")
                for what, q in (("5 %", 0.05), ("median", 0.5), ("95 %", 0.95))
            }
            for name, group in self.places.groupby("condition")
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def topics(self) -> list["Topic"]:
        """One table for each figure."""
        share = (100 * self.conditions / max(self.conditions.sum(), 1)).map("{:.1f} %".format)
        conditions = pd.DataFrame({"points": self.conditions, "share": share})
        axial = pd.DataFrame({"studies": self.axial_series})
        several = len(self.by_level) > 1
        by_level = [
            Topic(
                "severity-by-level" + f"-{name.partition(' ')[0]}" * several,
                "Severity by level" + f", {name}" * several,
                table,
            )
            for name, table in self.by_level.items()
        ]
        unit = "fractions of the slice" if self.unit == "fraction" else "pixels"
        return [
            Topic("conditions", "Points by condition, in the whole source", conditions),
            Topic("levels", "Rows by level", self.levels),
            Topic("severities", "Rows by severity", self.severities),
            *by_level,
            Topic("axial-series", "Studies by number of axial T2 series", axial),
            Topic("places", f"Where the points lie ({unit})", self.place_summary),
        ]


@dataclass(frozen=True)
class Topic:
    """A table with a title; `name` is that of its figure's files."""

    name: str
    title: str
    table: pd.DataFrame

    @property
    def columns(self) -> list[str]:
        """Their names; the first one, that of the line, has none."""
        return ["", *map(str, self.table.columns)]

    @property
    def rows(self) -> list[list[str]]:
        """Its lines as text, the name of the line first."""
        return [[str(name), *map(_shown, row)] for name, *row in self.table.itertuples()]


def explore(
    everything: pd.DataFrame, table: pd.DataFrame, series: pd.DataFrame, data: Prepared | None
) -> Exploration:
    """Count.

    Args:
        everything: The master table of all conditions.
        table: That of the conditions asked for, divided and balanced.
        series: All series and their descriptions.
        data: Model inputs, if there are any.
    """
    used = usable(table)
    before = table[used | table["reason"].isin(list(map(str, BALANCED_AWAY)))]
    balanced = len(before) > used.sum()
    points = everything[everything["x"] != ""]
    axial = series[series["series_description"].str.lower() == AXIAL.lower()]
    per_study = axial.groupby("study_id").size().value_counts().sort_index()
    if data is None:
        places = table.loc[used, ["source_condition", "x", "y"]]
        places = places.assign(x=to_numbers(places["x"]), y=to_numbers(places["y"]))
    else:
        coords = data.coords[data.index["position"].to_numpy()]
        mirrored = data.index["source_condition"] != data.index["condition"]
        x = np.where(mirrored, 1 - coords[:, 0], coords[:, 0])
        places = data.index[["source_condition"]].assign(x=x, y=coords[:, 1])
    return Exploration(
        conditions=points["condition"]
        .value_counts()
        .reindex(list(map(str, Condition)), fill_value=0),
        by_level={
            **({BEFORE: _crossed(before)} if balanced else {}),
            AFTER if balanced else "rows": _crossed(table[used]),
        },
        axial_series=per_study.rename_axis("axial series"),
        places=places.rename(columns={"source_condition": "condition"}),
        unit="pixels" if data is None else "fraction",
    )


def _crossed(rows: pd.DataFrame) -> pd.DataFrame:
    counts = rows.groupby(["level", "severity"]).size().unstack(fill_value=0)
    return counts.reindex(index=LEVELS, columns=SEVERITIES, fill_value=0).astype(int)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else f"{value:,}"

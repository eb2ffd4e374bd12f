"""The figures of an exploration: what is in the prepared data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.dataset.exploration.counts import LEVELS, SEVERITIES, Exploration
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import TEST, TRAIN
from lss_cli.render.plot import BLUE, GREEN, ORANGE, PALE, PURPLE, SKY, save, style

# The severities also differ in lightness.
SHADES = {"Normal/Mild": SKY, "Moderate": ORANGE, "Severe": "#8B1A1A"}
CONDITIONS = (BLUE, SKY, GREEN, ORANGE, PURPLE)

PARTS = {TRAIN: "training", TEST: "test"}

# Inputs of each level in a contact sheet.
EXAMPLES = 8
# Longest side of an input in a contact sheet, in pixels.
THUMBNAIL = 128


def draw_all(
    exploration: Exploration, data: Prepared | None, folder: Path
) -> list[tuple[str, str]]:
    """Draw every figure as PNG and SVG.

    Args:
        exploration: The counts.
        data: Model inputs, if there are any.
        folder: Where to write; it exists.

    Returns:
        Name and title of each figure, in their order.
    """
    drawn = []
    with style():
        for name, title, figure in _figures(exploration, data):
            save(figure, folder, name)
            drawn.append((name, title))
    return drawn


def _figures(exploration: Exploration, data: Prepared | None) -> Iterator[tuple[str, str, Figure]]:
    yield "conditions", "Points by condition", pie(exploration.conditions)
    yield "levels", "Rows by level", bars(exploration.levels, "Rows by level")
    yield "severities", "Rows by severity", bars(exploration.severities, "Rows by severity")
    yield "severity-by-level", "Severity by level", stacked_bars(exploration.by_level)
    yield "axial-series", "Axial T2 series per study", per_study(exploration.axial_series)
    yield "places", "Where the points lie", places(exploration)
    if data is not None:
        part = TRAIN if data.index["split"].eq(TRAIN).any() else TEST
        for condition in data.index["condition"].unique():
            for severity in Severity:
                of_both = data.index["severity"].eq(severity) & data.index["condition"].eq(
                    condition
                )
                rows = np.flatnonzero(of_both & data.index["split"].eq(part))
                title = f"{_name_of(condition)}: {severity}"
                yield (
                    f"examples-{condition.replace('_', '-')}-{severity.column.replace('_', '-')}",
                    f"Examples of the {PARTS[part]} part, {title}",
                    contact_sheet(data, rows, f"{title} ({len(rows):,} in the {PARTS[part]} part)"),
                )


def pie(counts: "pd.Series[int]") -> Figure:
    """Points of each condition, with count and share."""
    figure = Figure(figsize=(7.6, 3.6))
    axes = figure.add_subplot()
    counts = counts[counts > 0]
    total = int(counts.sum())
    colours = dict(zip(map(str, Condition), CONDITIONS, strict=True))
    wedges, _ = axes.pie(
        counts.to_numpy(),
        colors=[colours[str(name)] for name in counts.index],
        startangle=90,
        counterclock=False,
        wedgeprops={"edgecolor": "white", "linewidth": 1.5},
    )
    for number, wedge in enumerate(wedges, start=1):
        angle = np.deg2rad((wedge.theta1 + wedge.theta2) / 2)
        axes.text(
            0.7 * np.cos(angle),
            0.7 * np.sin(angle),
            str(number),
            ha="center",
            va="center",
            color="white",
            weight="bold",
            size=12,
        )
    labels = [
        f"{number}  {_name_of(str(name))}: {count:,} ({count / total:.1%})"
        for number, (name, count) in enumerate(counts.items(), start=1)
    ]
    figure.legend(wedges, labels, loc="outside right center", handlelength=1)
    axes.set_title(f"{total:,} points by condition")
    return figure


def bars(counts: pd.DataFrame, title: str) -> Figure:
    """One group of bars for each line of a table, one bar for each of its columns."""
    figure = Figure(figsize=(6.4, 3.6))
    axes = figure.add_subplot()
    width = 0.8 / counts.shape[1]
    looks: list[dict[str, Any]] = [{"color": PALE, "hatch": "//", "edgecolor": "white"}]
    looks = [*looks, {"color": BLUE}][-counts.shape[1] :]
    for column, (name, look) in enumerate(zip(counts.columns, looks, strict=True)):
        x = np.arange(len(counts)) + (column - (counts.shape[1] - 1) / 2) * width
        drawn = axes.bar(x, counts[name], width * 0.94, label=str(name), **look)
        axes.bar_label(drawn, [f"{count:,}" for count in counts[name]], padding=2, fontsize=8)
    axes.set_xticks(range(len(counts)), list(map(str, counts.index)))
    axes.set_ylabel("rows")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.margins(y=0.12)
    if counts.shape[1] > 1:
        figure.legend(loc="outside lower center", ncols=2)
    axes.set_title(title)
    return figure


def stacked_bars(tables: dict[str, pd.DataFrame]) -> Figure:
    """Severities of each level, one panel before and one after balancing."""
    figure = Figure(figsize=(5.2 * len(tables) + 0.6, 4))
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        base = np.zeros(len(table))
        limit = max(int(table.sum(axis=1).max()) for table in tables.values())
        for severity in SEVERITIES:
            counts = table[severity].to_numpy()
            axes.bar(
                LEVELS,
                counts,
                0.75,
                base,
                color=SHADES[severity],
                label=severity,
                edgecolor="white",
                linewidth=0.8,
            )
            for x, (count, low) in enumerate(zip(counts, base, strict=True)):
                # A number that does not fit its bar would cover another.
                if count > 0.05 * limit:
                    axes.text(
                        x,
                        low + count / 2,
                        f"{count:,}",
                        ha="center",
                        va="center",
                        fontsize=8,
                        color="white" if severity == "Severe" else "black",
                    )
            base = base + counts
        axes.set_title("Severity by level" if len(tables) == 1 else name.capitalize())
    panels[0].set_ylabel("rows")
    panels[0].yaxis.set_major_formatter("{x:,.0f}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def per_study(studies: "pd.Series[int]") -> Figure:
    """Studies by their number of axial series."""
    figure = Figure(figsize=(4.8, 3.6))
    axes = figure.add_subplot()
    drawn = axes.bar(list(map(str, studies.index)), studies.to_numpy(), 0.7, color=BLUE)
    axes.bar_label(drawn, [f"{count:,}" for count in studies], padding=2, fontsize=9)
    axes.set_xlabel("axial T2 series in the study")
    axes.set_ylabel("studies")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.margins(y=0.12)
    axes.set_title("Axial T2 series per study")
    return figure


def places(exploration: Exploration) -> Figure:
    """How many points lie where, one panel for each condition."""
    groups = list(exploration.places.groupby("condition"))
    figure = Figure(figsize=(4.8 * len(groups), 4.2))
    panels = figure.subplots(1, len(groups), squeeze=False)[0]
    for axes, (name, group) in zip(panels, groups, strict=True):
        _density(figure, axes, group, exploration.unit)
        axes.set_title(f"{_name_of(str(name))}\n{len(group):,} points", fontsize=10, loc="center")
    return figure


def _density(figure: Figure, axes: Axes, points: pd.DataFrame, unit: str) -> None:
    if unit == "fraction":
        right, bottom = 1.0, 1.0
    else:
        right, bottom = 1.05 * points["x"].max(), 1.05 * points["y"].max()
    drawn = axes.hexbin(
        points["x"],
        points["y"],
        gridsize=60,
        mincnt=1,
        cmap="viridis_r",
        bins="log",
        extent=(0, right, 0, bottom),
        linewidths=0.1,
    )
    axes.set_xlim(0, right)
    axes.set_ylim(bottom, 0)
    axes.set_aspect("equal")
    what = "of the slice's {}" if unit == "fraction" else "pixels"
    axes.set_xlabel(f"x ({what.format('width')})")
    axes.set_ylabel(f"y ({what.format('height')})")
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    scale = figure.colorbar(drawn, ax=axes, label="points", fraction=0.046, pad=0.03)
    # Few ticks of a logarithmic scale, as plain numbers.
    counts = drawn.get_array()
    most = 1 if counts is None else int(counts.max())
    scale.set_ticks([tick for tick in (1, 10, 100, 1000) if tick <= most], minor=False)
    scale.ax.yaxis.set_major_formatter("{x:,.0f}")
    scale.ax.minorticks_off()


def contact_sheet(data: Prepared, rows: npt.NDArray[np.int64], title: str) -> Figure:
    """The middle slice of some inputs, one line of the sheet for each level."""
    height, width, channels = data.spec.shape
    step = -(-max(height, width) // THUMBNAIL)
    size = len(range(0, height, step)), len(range(0, width, step))
    gap = max(2, size[1] // 30)
    sheet = np.full(
        (len(LEVELS) * (size[0] + gap) - gap, EXAMPLES * (size[1] + gap) - gap), np.nan, np.float32
    )
    levels = data.levels[rows]
    for level in Level:
        these = rows[levels == level.ordinal]
        evenly = np.linspace(0, len(these) - 1, min(EXAMPLES, len(these))).round().astype(int)
        for column, row in enumerate(these[evenly]):
            image = data.inputs(np.array([row]))["image"][0, ::step, ::step, channels // 2]
            top, left = level.ordinal * (size[0] + gap), column * (size[1] + gap)
            sheet[top : top + size[0], left : left + size[1]] = _stretch(image)
    figure = Figure(figsize=(8, 8 * sheet.shape[0] / sheet.shape[1] + 0.5))
    axes = figure.add_subplot()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks([at * (size[0] + gap) + size[0] / 2 for at in range(len(LEVELS))], LEVELS)
    axes.set_xticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(title)
    return figure


def _stretch(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    low, high = float(image.min()), float(image.max())
    return (image - low) / (high - low or 1.0)


def _name_of(condition: str) -> str:
    return condition.replace("_", " ").capitalize()

"""One synthetic patient: the sizes that vary, as tables along the spine curve."""

from dataclasses import dataclass

import numpy as np

from lss_cli.anatomy import Level, Side
from lss_cli.phantom.curve import Curve, Places
from lss_cli.phantom.grades import Grades, draw_grades
from lss_cli.phantom.shapes import Floats
from lss_cli.phantom.skeleton import skeleton_tables
from lss_cli.phantom.stenosis import canal_tables

# Feet to head. Two sacral discs, L5/S1 … L1/L2, three thoracic ones.
DISC_GAPS = (28.0, 30.0, 34.0, 36.0, 36.0, 34.0, 32.0, 30.0, 28.0)
# Of each disc, as a part of L5/S1's.
TILTS = (1.35, 1.25, 1.0, 0.48, 0.12, -0.15, -0.28, -0.32, -0.30, -0.22)
# Distance from the midline in wide recesses, L1/L2 … L5/S1, in mm.
#
# With them left and right points are as far apart as in RSNA's table (14–17 mm).
CLICK_WIDTHS = (8.9, 8.4, 8.0, 7.9, 7.8)


@dataclass(frozen=True)
class Body:
    """One patient. All tables run along the curve; lengths in mm, the rest 0…1.

    Attributes:
        grades: The truth.
        curve: The spine curve.
        tables: What varies along the spine, by name.
        size: Scale of the skeleton; 1 is the mean.
        fat: Share of fat in the muscles behind the spine, 0…0.5.
        skin: Thickness of the fat under the skin of the back.
        half_width: Half of the body's width.
        clicks: Where an annotator would click, as (u, v), by level and side.
        texture_seed: What the random textures start from.
    """

    grades: Grades
    curve: Curve
    tables: dict[str, Floats]
    size: float
    fat: float
    skin: float
    half_width: float
    clicks: dict[tuple[Level, Side], tuple[float, float]]
    texture_seed: int

    @property
    def back(self) -> float:
        """How far behind the spine at L3/L4 the skin lies, in mm."""
        return float(self.tables["muscle"].max()) + self.skin

    def along(self, name: str, at: Places) -> Floats:
        """A table's value at each position."""
        return self.tables[name].take(at.index)

    def on_side(self, name: str, at: Places) -> Floats:
        """The value of a table that has a left and a right half."""
        left, right = self.along(f"{name}_{Side.LEFT}", at), self.along(f"{name}_{Side.RIGHT}", at)
        return np.where(at.u > 0, left, right)


def draw_body(rng: np.random.Generator) -> Body:
    """Draw one patient."""
    grades = draw_grades(rng)
    size = float(np.clip(rng.normal(1, 0.06), 0.86, 1.16))
    curve = _draw_curve(rng, size)
    canal = size * float(np.clip(rng.normal(1, 0.06), 0.86, 1.14))
    tables = skeleton_tables(rng, curve, size) | canal_tables(rng, curve, canal, grades)
    clicks = {
        (level, side): _draw_click(rng, level, side, canal, grades)
        for level in Level
        for side in Side
    }
    return Body(
        grades=grades,
        curve=curve,
        tables=tables,
        size=size,
        fat=float(rng.uniform(0.02, 0.4) ** 1.3),
        skin=float(rng.uniform(6, 32)),
        half_width=float(rng.uniform(150, 195)),
        clicks=clicks,
        texture_seed=int(rng.integers(2**31)),
    )


def _draw_click(
    rng: np.random.Generator, level: Level, side: Side, canal: float, grades: Grades
) -> tuple[float, float]:
    """Where an annotator clicks: in the recess, and nearer the midline as it narrows."""
    narrowing = grades.recess[level, side].narrowing
    aside = canal * CLICK_WIDTHS[level.ordinal] - 1.4 * narrowing + rng.normal(0, 0.8)
    sign = 1 if side is Side.LEFT else -1
    return sign * aside, 2.4 + 0.6 * narrowing + rng.normal(0, 0.5)


def _draw_curve(rng: np.random.Generator, size: float) -> Curve:
    gaps = size * np.asarray(DISC_GAPS) * rng.normal(1, 0.02, len(DISC_GAPS))
    discs = np.concatenate([[0.0], np.cumsum(gaps)])
    tilts = np.radians(rng.uniform(22, 34)) * np.asarray(TILTS)
    tilts = tilts + np.radians(rng.normal(0, 1.0, len(TILTS)))
    bend = rng.normal(0, 2.0)
    return Curve(tuple((discs - discs[2]).tolist()), tuple(tilts.tolist()), bend)

"""How the canal and its recesses vary along the spine, and what narrows them."""

import numpy as np

from lss_cli.anatomy import Level, Side
from lss_cli.phantom.along import FEET_TO_HEAD, humps, interpolate, interpolate_smoothly
from lss_cli.phantom.curve import Curve
from lss_cli.phantom.grades import Grades
from lss_cli.phantom.shapes import Floats

# At L5/S1 … L1/L2, in mm: at the disc, and at the vertebra above it, where the canal is wide and
# its walls are the pedicles'.
RECESS_WIDTHS = (14.4, 12.2, 11.6, 11.4, 11.4), (14.5, 13.5, 12.8, 12.6, 12.6)
CANAL_DEPTHS = (16.4, 15.5, 15.5, 15.5, 15.5), (15.0, 15.5, 16.0, 16.0, 16.0)
SAC_WIDTHS = (7.8, 9.4, 9.8, 10.0, 10.2), (8.6, 9.6, 10.0, 10.2, 10.2)
FACET_WIDTHS = (17.0, 13.4, 11.8, 11.2, 11.0), (16.0, 14.0, 12.0, 11.2, 11.0)
# Width of a recess that is closed altogether: it ends beside the sac.
CLOSED_WIDTH = 5.6


def canal_tables(
    rng: np.random.Generator, curve: Curve, canal: float, grades: Grades
) -> dict[str, Floats]:
    """Draw the tables of one patient.

    Args:
        rng: Where the variation comes from.
        curve: The spine.
        canal: Scale of the canal; 1 is the mean.
        grades: What has to be narrow.

    Returns:
        By name, in mm: `canal_depth` (from the disc to the apex of the V), `sac_width` (half),
        `sac_gap` (fat beside the sac), `back_fat` (fat behind it), `sac_shape` (2 round, more
        boxy), `concave` and `bulge` (of the disc, in the midline); and by side, as `name_left`:
        `wide` (the recess as it would be), `recess` (as it is), `closing` (0…1, how narrow),
        `protrusion` (of the disc into the recess), `facet_place` (from the midline), `facet` (how
        much the joint has grown) and `turn` (of the joint; more is more sagittal).
    """
    crowding = np.array([grades.canal[level].narrowing for level in FEET_TO_HEAD])

    def sized(values: tuple[tuple[float, ...], tuple[float, ...]], spread: float) -> Floats:
        vary = canal * rng.normal(1, spread, len(Level))
        return interpolate_smoothly(curve, vary * values[0], canal * np.asarray(values[1]))

    tables = {
        "canal_depth": sized(CANAL_DEPTHS, 0.07) - humps(curve, 3.0 * crowding),
        "sac_width": sized(SAC_WIDTHS, 0.05) * interpolate(curve, [-70, -25, 0], [0.15, 0.75, 1])
        - humps(curve, 1.8 * crowding),
        "sac_shape": interpolate(curve, [-10, 10, 30], [2.1, 2.5, 5.0]),
        "sac_gap": interpolate(curve, [-40, 0, 25, 45], [3.2, 2.0, 0.9, 0.6]),
        "back_fat": interpolate_smoothly(
            curve, canal * rng.normal(3.2, 0.6, 5).clip(1.5, 5.0), canal * np.full(5, 3.0)
        ),
        "concave": interpolate(curve, [0, 36, 100], [0.0, 0.7, 2.3]),
        "bulge": humps(curve, 0.2 + 2.0 * crowding * rng.uniform(0.4, 1.0, len(Level))),
    }
    # Even the narrowest sac is one.
    np.maximum(tables["sac_width"], 1.0, out=tables["sac_width"])
    recess = sized(RECESS_WIDTHS, 0.04)
    facet = sized(FACET_WIDTHS, 0.05)
    turn = rng.normal(0, 1.2)
    for side in Side:
        tables |= {
            f"{name}_{side}": table
            for name, table in _side_tables(rng, curve, canal, grades, side, recess, facet).items()
        }
        tables[f"turn_{side}"] = np.full_like(curve.s, turn + rng.normal(0, 0.8))
    return tables


def _side_tables(
    rng: np.random.Generator,
    curve: Curve,
    canal: float,
    grades: Grades,
    side: Side,
    recess: Floats,
    facet: Floats,
) -> dict[str, Floats]:
    closing = np.array([grades.recess[level, side].narrowing for level in FEET_TO_HEAD])
    # What narrows it more: the disc, or the joint and its ligament.
    disc = rng.uniform(0.2, 0.8, len(Level))
    room = canal * np.asarray(RECESS_WIDTHS[0]) - CLOSED_WIDTH
    vary = interpolate_smoothly(curve, rng.normal(1, 0.03, 5), np.ones(5))
    return {
        "wide": recess * vary,
        "recess": np.maximum(
            recess * vary - humps(curve, closing * room * (1.15 - 0.3 * disc)), 3.0
        ),
        "closing": humps(curve, closing),
        "protrusion": humps(curve, closing * 3.0 * (0.5 + disc) + rng.normal(0, 0.15, 5)),
        "facet_place": facet * interpolate_smoothly(curve, rng.normal(1, 0.04, 5), np.ones(5)),
        "facet": humps(curve, closing * 2.0 * (1.5 - disc) + rng.normal(0, 0.4, 5), 14),
    }

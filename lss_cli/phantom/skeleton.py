"""How the bones, discs and muscles of a patient vary along the spine."""

import numpy as np

from lss_cli.phantom.along import bump, interpolate, ramp
from lss_cli.phantom.curve import Curve
from lss_cli.phantom.shapes import Floats

# Of the curve's discs, feet to head, in mm.
DISC_HALF_HEIGHTS = (1.2, 1.8, 5.0, 5.6, 5.4, 5.0, 4.6, 4.0, 3.6, 3.4)


def skeleton_tables(rng: np.random.Generator, curve: Curve, size: float) -> dict[str, Floats]:
    """Draw the tables of one patient.

    Args:
        rng: Where the variation comes from.
        curve: The spine.
        size: Scale; 1 is the mean.

    Returns:
        By name, lengths in mm: `to_disc` (signed distance to the nearest disc), `disc_half` (half
        its height), `worn` (0 a young disc, 1 a dry one), `body_width` and `body_depth` (half of
        the vertebral body's), `muscle` (how far behind the spine the back muscles reach), `psoas`
        and `psoas_place` (its half-width and distance from the midline), `flare` (how much
        further out the iliac wings lie); and 0…1, whether there is a `pedicle`, `lamina` or
        `facet`.
    """
    s, discs = curve.s, np.asarray(curve.discs)
    nearest = np.abs(s[:, None] - discs).argmin(axis=1)
    worn = np.clip(rng.uniform(0.0, 0.6) + rng.normal(0, 0.25, len(discs)), 0, 1)
    half = size * np.asarray(DISC_HALF_HEIGHTS) * (1 - 0.35 * worn)
    phase = np.interp(s, discs, np.arange(len(discs)))
    # 0 at a disc, 1 at the next one towards the head.
    above = (phase - np.floor(phase)).astype(np.float32)
    lumbar = s > -10 * size
    waist = np.where(lumbar, 1 - 0.10 * np.sin(np.pi * above) ** 2, 1).astype(np.float32)

    def scaled(places: list[float], values: list[float]) -> Floats:
        return np.float32(size) * interpolate(curve, places, values)

    return {
        "to_disc": (s - discs[nearest]).astype(np.float32),
        "disc_half": half[nearest].astype(np.float32),
        "worn": worn[nearest].astype(np.float32),
        "body_width": waist
        * scaled([-60, -22, -8, 0, 40, 150, 230], [40, 46, 30, 27, 26.5, 24, 20]),
        "body_depth": waist
        * scaled([-60, -30, -8, 0, 40, 150, 230], [7, 10, 15.5, 18, 18.5, 17, 15]),
        "pedicle": bump(above, 0.48, 0.86, 0.10) * lumbar,
        "lamina": np.maximum(bump(above, -0.1, 0.5, 0.12), bump(above, 0.93, 1.5, 0.08)),
        "facet": bump((above + 0.5) % 1 - 0.5, -0.30, 0.26, 0.12),
        "muscle": scaled([-60, -20, 10, 40, 70, 150, 250], [20, 32, 44, 50, 52, 47, 42]),
        "psoas": scaled([-40, 0, 40, 80, 150, 200], [21, 22, 20, 17, 9, 3]),
        "psoas_place": scaled([-40, 0, 40, 80, 150, 200], [60, 50, 44, 40, 32, 27]),
        "flare": np.float32(55 * size) * ramp(s, 12 * size, 50 * size),
    }

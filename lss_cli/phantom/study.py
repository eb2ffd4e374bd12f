"""One phantom study: how it is acquired, where its points lie, and its pictures."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Condition, Level, Severity, Side
from lss_cli.phantom.body import Body, draw_body
from lss_cli.phantom.image import ImagingPlane, Pixels, Scanner, take_picture
from lss_cli.phantom.tissue import Tissue

# Share of series whose InstanceNumber runs feet to head, as in RSNA's data (231 of 1,960).
FEET_FIRST_SHARE = 0.12
# Share of studies with one tilted stack per disc; the others have one straight stack.
TILTED_SHARE = 0.55
# Distance of the coil from the skin of the back, in mm.
COIL_BEHIND = 12.0


@dataclass(frozen=True)
class PhantomSlice:
    """One slice: its number in the series, and where it lies."""

    instance_number: int
    plane: ImagingPlane


@dataclass(frozen=True)
class PhantomSeries:
    """One series.

    Attributes:
        series_id: Number of its folder, and the last component of its UID.
        series_number: SeriesNumber.
        kind: ``Axial T2`` or ``Sagittal T2/STIR``, as in RSNA's tables.
        description: SeriesDescription, as scanners write it.
        slices: By rising instance number.
        scanner: How it is taken.
    """

    series_id: int
    series_number: int
    kind: str
    description: str
    slices: tuple[PhantomSlice, ...]
    scanner: Scanner


@dataclass(frozen=True)
class PhantomPoint:
    """Where an annotator would click: column `x` and row `y` of a slice, in pixels from 0."""

    series_id: int
    instance_number: int
    condition: Condition
    level: Level
    x: float
    y: float


@dataclass(frozen=True)
class Phantom:
    """One study that can be pictured and written.

    Attributes:
        study_id: Number of its folder, and the last component of its UID.
        key: Seed and number of the study, from which all of it follows.
        body: The patient, and with it the truth.
        series: The axial series first.
        points: In the order of conditions and levels.
    """

    study_id: int
    key: tuple[int, int]
    body: Body
    series: tuple[PhantomSeries, ...]
    points: tuple[PhantomPoint, ...]

    def severity(self, condition: Condition, level: Level) -> Severity | None:
        """The label, ``None`` where nothing in the study shows the condition."""
        if not any(point.condition is condition for point in self.points):
            return None
        return self.body.grades.severity(condition, level)

    def pictures(
        self, series: PhantomSeries, numbers: Collection[int] | None = None
    ) -> Iterator[tuple[PhantomSlice, Pixels]]:
        """The slices of a series with their pixels; those of some instance numbers, if given."""
        tissue = Tissue(self.body)
        for slice_ in series.slices:
            if numbers is not None and slice_.instance_number not in numbers:
                continue
            rng = np.random.default_rng([*self.key, series.series_number, slice_.instance_number])
            yield slice_, take_picture(tissue, slice_.plane, series.scanner, self._coil, rng)

    @property
    def _coil(self) -> float:
        return self.body.back + COIL_BEHIND


def plan_study(
    seed: int,
    number: int = 0,
    *,
    sagittal: bool = True,
    matrix: int | None = None,
    slices: int | None = None,
) -> Phantom:
    """Draw one patient and how it is scanned; nothing is pictured yet.

    Args:
        seed: Of the whole set of phantoms.
        number: Of the study in the set; each is independent of how many there are.
        sagittal: Whether there is a sagittal T2 series too, with the canal's labels.
        matrix: Rows and columns of every picture; drawn when not given.
        slices: Slices of one tilted stack per disc; how the axial series is taken is drawn when
            not given.
    """
    body = draw_body(np.random.default_rng([seed, number, 0]))
    rng = np.random.default_rng([seed, number, 1])
    study_id = _identifier(seed, 8 * number)
    axial = PhantomSeries(
        series_id=_identifier(seed, 8 * number + 1),
        series_number=1,
        kind="Axial T2",
        description=str(rng.choice(["AX T2 TSE", "Ax T2", "T2_TSE_TRA", "AXIAL T2 FSE"])),
        slices=_axial_slices(rng, body, matrix, slices),
        scanner=_draw_scanner(rng),
    )
    points = [
        _click(body, axial, condition, level, rng)
        for condition in (Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR)
        for level in Level
    ]
    every = [axial]
    if sagittal:
        side_view = PhantomSeries(
            series_id=_identifier(seed, 8 * number + 2),
            series_number=2,
            kind="Sagittal T2/STIR",
            description=str(rng.choice(["SAG T2 TSE", "Sag T2", "T2_TSE_SAG", "SAGITTAL T2 FSE"])),
            slices=_sagittal_slices(rng, body, matrix),
            scanner=_draw_scanner(rng),
        )
        every.append(side_view)
        canal = [_click(body, side_view, Condition.SPINAL_CANAL, level, rng) for level in Level]
        points = canal + points
    return Phantom(study_id, (seed, number), body, tuple(every), tuple(points))


def _axial_slices(
    rng: np.random.Generator, body: Body, matrix: int | None, per_stack: int | None
) -> tuple[PhantomSlice, ...]:
    """Planes from head to feet, numbered that way or the other."""
    size = matrix or int(rng.choice([192, 256, 256, 320, 320, 320, 384]))
    # Fields of view as hospitals use them; never coarser than 0.9 mm.
    spacing = round(float(min(rng.uniform(155, 210) / size, 0.9)), 4)
    gap = float(rng.uniform(3.5, 5.0))
    roll = float(np.radians(rng.normal(0, 1.2)))
    aside, behind = rng.normal(0, 4), rng.uniform(5, 22)
    tilted = bool(rng.random() < TILTED_SHARE) or per_stack is not None
    per_stack = per_stack or int(rng.integers(3, 6))
    curve = body.curve

    def plane_across(s: float, tilt: float, across: float) -> ImagingPlane:
        row, column = _axial_directions(tilt, roll)
        centre = curve.to_patient(0, 0, s) + across * np.cross(row, column)
        return ImagingPlane.around(
            centre + aside * row + behind * column, row, column, spacing, size
        )

    planes = []
    if tilted:
        for level in Level:
            s = curve.level(level)
            tilt = curve.tilt(s) + float(np.radians(rng.normal(0, 2)))
            miss = rng.normal(0, 0.15) * gap
            planes += [
                plane_across(s, tilt, miss + gap * (0.5 * (per_stack - 1) - i))
                for i in range(per_stack)
            ]
    else:
        tilt = 0.5 * curve.tilt(curve.level(Level.L4_L5))
        top = curve.to_patient(0, 0, curve.level(Level.L1_L2) + rng.uniform(8, 16))
        bottom = curve.to_patient(0, 0, curve.level(Level.L5_S1) - rng.uniform(8, 14))
        middle = curve.level(Level.L3_L4)
        row, column = _axial_directions(tilt, roll)
        normal = np.cross(row, column)
        first = float((top - curve.to_patient(0, 0, middle)) @ normal)
        last = float((bottom - curve.to_patient(0, 0, middle)) @ normal)
        planes = [
            plane_across(middle, tilt, first - gap * i)
            for i in range(1 + int((first - last) / gap))
        ]
    if rng.random() < FEET_FIRST_SHARE:
        planes.reverse()
    return tuple(PhantomSlice(i, plane) for i, plane in enumerate(planes, 1))


def _axial_directions(
    tilt: float, roll: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Unit vectors along a row (to the left) and along a column (to the back)."""
    left = np.array([1.0, 0.0, 0.0])
    back = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    return (
        np.cos(roll) * left + np.sin(roll) * back,
        np.cos(roll) * back - np.sin(roll) * left,
    )


def _sagittal_slices(
    rng: np.random.Generator, body: Body, matrix: int | None
) -> tuple[PhantomSlice, ...]:
    """Planes from right to left."""
    size = matrix or int(rng.choice([256, 320, 384]))
    spacing = round(float(rng.uniform(260, 300) / size), 4)
    count = int(rng.integers(11, 16))
    gap = float(rng.uniform(4.0, 4.8))
    centre = body.curve.to_patient(0, 5, body.curve.level(Level.L3_L4) + rng.uniform(5, 25))
    row, column = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0])
    return tuple(
        PhantomSlice(
            i + 1,
            ImagingPlane.around(
                centre + gap * (i - 0.5 * (count - 1)) * np.array([1.0, 0.0, 0.0]),
                row,
                column,
                spacing,
                size,
            ),
        )
        for i in range(count)
    )


def _draw_scanner(rng: np.random.Generator) -> Scanner:
    strong = bool(rng.random() < 0.45)
    return Scanner(
        brightness=float(rng.uniform(700, 2400)),
        noise=float(rng.uniform(0.006, 0.014) if strong else rng.uniform(0.010, 0.028)),
        sharpness=(float(rng.uniform(0.72, 1.0)), float(rng.uniform(0.55, 0.9))),
        coil_reach=float(rng.uniform(60, 130)),
        echo_time=round(float(rng.uniform(85, 120)), 1),
        repetition_time=round(float(rng.uniform(3000, 5200))),
        thickness=round(float(rng.uniform(3.0, 4.0)), 1),
        field_strength=3.0 if strong else 1.5,
    )


def _click(
    body: Body, series: PhantomSeries, condition: Condition, level: Level, rng: np.random.Generator
) -> PhantomPoint:
    """The click, on the slice nearest to what is clicked."""
    u, v = (0.0, 7.0) if condition.side is None else body.clicks[level, Side(condition.side)]
    place = body.curve.to_patient(u, v, body.curve.level(level) + rng.normal(0, 0.8))
    projected = [(slice_.instance_number, *slice_.plane.project(place)) for slice_ in series.slices]
    number, x, y, _ = min(projected, key=lambda slice_: abs(slice_[3]))
    return PhantomPoint(series.series_id, number, condition, level, round(x, 4), round(y, 4))


def _identifier(seed: int, number: int) -> int:
    """A nine-digit number that looks drawn, and that no other `number` of the seed has."""
    digest = hashlib.sha256(f"lss phantom {seed}".encode()).digest()
    start = int.from_bytes(digest[:8], "big")
    # The step shares no factor with the range, so that all of it is visited before any repeats.
    return 100_000_000 + (start + number * 611_953_127) % 900_000_000

"""The recesses in the axial slices that cut a disc: left and right, and which slice shows them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lss_cli.anatomy import Level, Side
from lss_cli.errors import StudyError
from lss_cli.locate.levels import Cut
from lss_cli.locate.model import LocatorModel, cut_window, to_picture
from lss_cli.slices import Float32Array
from lss_cli.study.geometry import Geometry, Vector
from lss_cli.study.series import SliceInStack
from lss_cli.study.slice import Slice

# How far the slice that a radiologist chose lies from the expected one, in slices: the deviation of
# those of the 6th place of RSNA 2024 (45 % exact, 90 % within one).
SLICE_DEVIATION = 0.8
# Another slice is named that is worth this share of the best.
ALTERNATIVE_SHARE = 0.6
# Where the recesses lie so far from the middle of the window, it is cut again around them.
OFF_CENTRE_MM = 4.0
# Trained on slices mostly 4 to 5 mm apart; recesses farther off may lie elsewhere.
NEIGHBOUR_MM = 7.0
# Of 1,946 pairs of points 99.9 % lie more than 5.6 mm apart across the body, none more than 29 mm.
NEAREST_SIDES_MM, FARTHEST_SIDES_MM = 5.0, 32.0


@dataclass(frozen=True, eq=False)
class RecessView:
    """A slice that is looked at, and where.

    Attributes:
        slice_in_stack: The slice.
        pixels: H × W, in the one orientation.
        centre: Around which it is looked at, in the patient, in mm.
    """

    slice_in_stack: SliceInStack
    pixels: Float32Array
    centre: Vector

    @property
    def geometry(self) -> Geometry:
        """Of the pixels."""
        return self.slice_in_stack.slice.geometry.oriented

    @property
    def middle(self) -> tuple[float, float]:
        """Column and row of the centre."""
        return self.geometry.to_pixel(self.centre)


@dataclass(frozen=True, eq=False)
class Seen:
    """What one slice shows.

    Attributes:
        slice_in_stack: The slice.
        places: Column and row of each side's recess in the oriented slice, in pixels.
        confidence: Of each side.
        worth: How well the slice fits, by what it shows; and by geometry, where one of several is
            to be chosen.
    """

    slice_in_stack: SliceInStack
    places: dict[Side, tuple[float, float]]
    confidence: dict[Side, float]
    worth: float

    def position(self, side: Side) -> Vector:
        """Where a recess lies in the patient, in mm."""
        return self.slice_in_stack.slice.geometry.oriented.to_patient(self.places[side])

    def stored(self, side: Side) -> tuple[float, float]:
        """Column and row of a recess in the slice as it is stored, in pixels."""
        geometry = self.slice_in_stack.slice.geometry
        return geometry.orientation.restore_point(self.places[side], geometry.size)

    @property
    def middle(self) -> Vector:
        """Between both, in the patient, in mm."""
        return np.asarray((self.position(Side.LEFT) + self.position(Side.RIGHT)) / 2)

    @property
    def across_mm(self) -> float:
        """How far left lies to the left of right."""
        # Oriented columns run to the patient's left.
        columns = self.places[Side.LEFT][0] - self.places[Side.RIGHT][0]
        return columns * self.slice_in_stack.slice.geometry.oriented.spacing_mm[0]

    @property
    def apart_as_usual(self) -> bool:
        """Whether they lie as far apart as the recesses of a level."""
        return NEAREST_SIDES_MM <= self.across_mm <= FARTHEST_SIDES_MM


@dataclass(frozen=True, eq=False)
class FoundRecesses:
    """The recesses of one level.

    Attributes:
        level: The level.
        best: The slice that was chosen, and what it shows.
        alternative: The next one, where it could be argued for as well.
        doubts: What speaks against it.
    """

    level: Level
    best: Seen
    alternative: Seen | None
    doubts: tuple[str, ...]


def find_recesses(
    cuts: Sequence[Cut], model: LocatorModel, read: Callable[[Slice], Float32Array]
) -> tuple[list[FoundRecesses], dict[Level, str]]:
    """Find both recesses of each level.

    Args:
        cuts: The levels and where axial stacks cut them.
        model: Finds recesses.
        read: Decodes a slice, or remembers it.

    Returns:
        The recesses, and why there are none, by level.

    Raises:
        ModelError: The network fails.
    """
    missing: dict[Level, str] = {}
    looks: list[tuple[Cut, list[int]]] = []
    for cut in cuts:
        indices, reason = _usable(cut, read)
        if indices:
            looks.append((cut, indices))
        else:
            missing[cut.level] = reason
    centres = [cut.target for cut, _ in looks]
    found = _look(looks, centres, model, read)
    # The window around the canal itself is the one that such networks are trained on.
    again = [
        at
        for at, (seen, centre) in enumerate(zip(found, centres, strict=True))
        if _across(_best(seen), centre) > OFF_CENTRE_MM
    ]
    recentred = [_best(found[at]).middle for at in again]
    for at, seen in zip(
        again, _look([looks[at] for at in again], recentred, model, read), strict=True
    ):
        if _best(seen).worth >= _best(found[at]).worth:
            found[at] = seen
    return [_choose(cut.level, seen) for (cut, _), seen in zip(looks, found, strict=True)], missing


def _usable(cut: Cut, read: Callable[[Slice], Float32Array]) -> tuple[list[int], str]:
    """The slices of a cut that a point can name and that can be decoded; or why there are none."""
    indices = []
    reason = ""
    nearest = cut.index
    for index in (nearest, nearest - 1, nearest + 1):
        if not 0 <= index < len(cut.stack.slices):
            continue
        slice_ = cut.stack.slices[index]
        try:
            number = slice_.instance_number
            if number is None:
                raise StudyError("the axial slice has no number, by which a point could name it.")
            cut.series.find(number)
            read(slice_)
        except StudyError as error:
            reason = reason or str(error)
            continue
        indices.append(index)
    # A neighbour does not stand in for the slice itself.
    return (sorted(indices), "") if nearest in indices else ([], reason)


def see_recesses(views: Sequence[RecessView], model: LocatorModel) -> list[Seen]:
    """See what slices show around places, in one run of the network.

    Where the recesses lie far from a window's middle, it is cut again around them.

    Args:
        views: The slices and the places.
        model: Finds recesses.

    Raises:
        ModelError: The network fails.
    """
    found = _see(views, model)
    again = [
        at
        for at, (seen, view) in enumerate(zip(found, views, strict=True))
        if _across(seen, view.centre) > OFF_CENTRE_MM
    ]
    recentred = [replace(views[at], centre=found[at].middle) for at in again]
    for at, seen in zip(again, _see(recentred, model), strict=True):
        if seen.worth >= found[at].worth:
            found[at] = seen
    return found


def _see(views: Sequence[RecessView], model: LocatorModel) -> list[Seen]:
    """One run of the network over all windows."""
    return [_read(view, maps, model) for view, maps in zip(views, _ask(views, model), strict=True)]


def _ask(views: Sequence[RecessView], model: LocatorModel) -> list[Float32Array]:
    """The maps of each window, from one run of the network."""
    if not views:
        return []
    windows = [
        cut_window(view.pixels, view.geometry.spacing_mm, view.middle, model.window)
        for view in views
    ]
    return list(model.heatmaps(np.stack(windows)))


def _read(view: RecessView, maps: Float32Array, model: LocatorModel) -> Seen:
    """What maps say of a slice."""
    peaks = model.peaks(maps[np.newaxis])
    pixels = to_picture(peaks.positions[0], view.geometry.spacing_mm, view.middle, model.window)
    sides = [Side(name) for name in model.landmarks]
    places = {side: (float(x), float(y)) for side, (x, y) in zip(sides, pixels, strict=True)}
    shares = dict(zip(sides, map(float, peaks.confidence[0]), strict=True))
    return Seen(view.slice_in_stack, places, shares, math.sqrt(math.prod(shares.values())))


def _look(
    looks: Sequence[tuple[Cut, Sequence[int]]],
    centres: Sequence[Vector],
    model: LocatorModel,
    read: Callable[[Slice], Float32Array],
) -> list[list[Seen]]:
    """What the slices of each cut show, in one run of the network.

    Recesses run on from slice to slice, so that neighbours help to place them. How well a slice
    shows them is its own matter.
    """
    views = [
        RecessView(cut.slice_in_stack(index), read(cut.stack.slices[index]), centre)
        for (cut, indices), centre in zip(looks, centres, strict=True)
        for index in indices
    ]
    asked = iter(zip(views, _ask(views, model), strict=True))
    found: list[list[Seen]] = []
    for cut, indices in looks:
        own = [next(asked) for _ in indices]
        found.append([])
        for index, (view, maps) in zip(indices, own, strict=True):
            beside = [others for other, others in own if _are_neighbours(other, view)]
            seen = _read(view, np.mean(beside, axis=0), model)
            worth = _read(view, maps, model).worth * _fit(cut, index)
            found[-1].append(replace(seen, worth=worth))
    return found


def _are_neighbours(view: RecessView, other: RecessView) -> bool:
    """Whether a slice is the other or near to it."""
    step = view.geometry.position - other.geometry.position
    return abs(float(step @ view.geometry.normal)) <= NEIGHBOUR_MM


def _fit(cut: Cut, index: int) -> float:
    """How well a slice fits by geometry, 0 to 1."""
    return math.exp(-0.5 * ((index - cut.at) / SLICE_DEVIATION) ** 2)


def _best(seen: Sequence[Seen]) -> Seen:
    return max(seen, key=lambda one: one.worth)


def _across(seen: Seen, centre: Vector) -> float:
    """How far the middle of both recesses lies from the window's, in the slice, in mm."""
    geometry = seen.slice_in_stack.slice.geometry
    step = seen.middle - centre
    return float(np.hypot(step @ geometry.row_cosine, step @ geometry.column_cosine))


def _choose(level: Level, seen: Sequence[Seen]) -> FoundRecesses:
    best = _best(seen)
    others = [one for one in seen if one is not best]
    alternative = _best(others) if others else None
    if alternative and alternative.worth < ALTERNATIVE_SHARE * best.worth:
        alternative = None
    doubts = []
    if not best.apart_as_usual:
        doubts.append(
            f"left and right lie {best.across_mm:.0f} mm apart, unlike the recesses of a level."
        )
    return FoundRecesses(level, best, alternative, tuple(doubts))

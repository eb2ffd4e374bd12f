"""The five lumbar discs in a sagittal series: found in its central slices, put together in 3-D."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lss_cli.anatomy import Level
from lss_cli.errors import StudyError
from lss_cli.locate.chain import (
    RIVAL_SHARE,
    Candidates,
    Chain,
    choose_chain,
    doubt_ends,
    doubt_steps,
)
from lss_cli.locate.metadata import LocatorMetadata
from lss_cli.locate.model import LocatorModel, cut_window, read_peaks, to_picture
from lss_cli.locate.proposal import Disc
from lss_cli.slices import Float32Array
from lss_cli.study.geometry import Geometry, Vector
from lss_cli.study.series import Series
from lss_cli.study.slice import Slice
from lss_cli.text import join_words

# Slices so near to the middle of the series cut the vertebral bodies, whose half width is 20 to
# 25 mm; the outermost of them are taken only where the slices lie close.
CENTRAL_MM = 11.0
MOST_SLICES = 5
# Places that are tried for a level, each so far from the others.
CANDIDATES = 4
SUPPRESSED_MM = 10.0
# A picture that is larger than the window by this share is looked through piece by piece.
LARGER = 1.1
# L5/S1 is known by the sacrum below it, of which so much has to be in view.
SACRUM_MM = 25.0
EDGE_MM = 8.0


@dataclass(frozen=True, eq=False)
class Look:
    """What the network answers on parallel slices, cell by cell at the same places.

    Attributes:
        heatmaps: S × rows × columns × levels.
        slices: The S slices.
        series_id: Of their series.
        centre: What lies in the middle of the windows, in the patient, in mm.
        metadata: Of the network.
    """

    heatmaps: Float32Array
    slices: tuple[Slice, ...]
    series_id: str
    centre: Vector
    metadata: LocatorMetadata

    @property
    def reference(self) -> Geometry:
        """The slice that positions are read in, oriented."""
        return self.slices[len(self.slices) // 2].geometry.oriented

    def to_patient(self, place: npt.NDArray[np.float64]) -> Vector:
        """Where a place in the window (column, row) lies in the reference slice, in mm."""
        geometry = self.reference
        centre = np.asarray(geometry.to_pixel(self.centre))
        x, y = to_picture(place, geometry.spacing_mm, (centre[0], centre[1]), self.metadata.window)
        return geometry.to_patient((float(x), float(y)))


@dataclass(frozen=True)
class FoundDiscs:
    """The discs of a series, those that were not seen, and what holds for all."""

    discs: tuple[Disc, ...]
    not_seen: tuple[Level, ...]
    doubts: tuple[str, ...]


def find_discs(
    series: Series,
    model: LocatorModel,
    read: Callable[[Slice], Float32Array],
    most: int = MOST_SLICES,
) -> FoundDiscs:
    """Find the discs of a sagittal series.

    Args:
        series: Of which the central slices are looked at.
        model: Finds discs.
        read: Decodes a slice, and remembers it.
        most: How many slices to look at.

    Raises:
        StudyError: None of the central slices can be decoded.
        ModelError: The network fails.
    """
    slices = _decodable(central_slices(series, most), read)
    middle = slices[len(slices) // 2]
    centre = middle.geometry.centre
    tiles = list(_tiles(middle.geometry.oriented, model))
    if len(tiles) > 1:
        looks = [_look(model, series, [middle], tile, read) for tile in tiles]
        _, centre = max((_rate(look) for look in looks), key=lambda rated: rated[0])
    return combine(_look(model, series, slices, centre, read))


def central_slices(series: Series, most: int = MOST_SLICES) -> list[Slice]:
    """The slices of the longest stack that lie around its middle, from right to left."""
    stack = max(series.stacks, key=lambda stack: len(stack.slices)).slices
    normal = stack[0].geometry.normal
    depths = np.array([float(slice_.geometry.position @ normal) for slice_ in stack])
    away = np.abs(depths - (depths[0] + depths[-1]) / 2)
    nearest = [int(index) for index in away.argsort(kind="stable")[:most]]
    kept = [index for index in nearest if away[index] <= CENTRAL_MM] or nearest[:1]
    return [stack[index] for index in sorted(kept)]


def _decodable(slices: Sequence[Slice], read: Callable[[Slice], Float32Array]) -> list[Slice]:
    """Those that can be decoded.

    Raises:
        StudyError: None can; the reason is that of the first.
    """
    good, faults = [], []
    for slice_ in slices:
        try:
            read(slice_)
            good.append(slice_)
        except StudyError as error:
            faults.append(error)
    if not good:
        raise faults[0]
    return good


def _tiles(geometry: Geometry, model: LocatorModel) -> Iterator[Vector]:
    """The middles of windows that together show the whole picture, half of each twice."""
    extents = [size * mm for size, mm in zip(geometry.size, geometry.spacing_mm, strict=True)]
    offsets = []
    for extent, field in zip(extents, model.window.field_mm, strict=True):
        room = extent - field
        count = 1 if extent <= LARGER * field else 1 + int(np.ceil(room / (field / 2)))
        offsets.append(np.linspace(-room / 2, room / 2, count) if count > 1 else np.zeros(1))
    for down in offsets[1]:
        for across in offsets[0]:
            yield geometry.centre + across * geometry.row_cosine + down * geometry.column_cosine


def _look(
    model: LocatorModel,
    series: Series,
    slices: Sequence[Slice],
    centre: Vector,
    read: Callable[[Slice], Float32Array],
) -> Look:
    windows = []
    for slice_ in slices:
        geometry = slice_.geometry.oriented
        at = geometry.to_pixel(centre)
        windows.append(cut_window(read(slice_), geometry.spacing_mm, at, model.window))
    maps = model.heatmaps(np.stack(windows))
    return Look(maps, tuple(slices), series.id, centre, model.metadata)


def find_candidates(heatmaps: Float32Array, metadata: LocatorMetadata) -> list[Candidates]:
    """Where each level may lie, by all slices together; in mm from the window's first pixel.

    Args:
        heatmaps: S × rows × columns × levels, of parallel slices.
        metadata: Of the network.
    """
    maps = heatmaps.mean(axis=0)[None].copy()
    pixel_mm, stride = metadata.window.pixel_mm, metadata.map_stride
    rows, columns = np.ogrid[: maps.shape[1], : maps.shape[2]]
    positions, confidence = [], []
    for _ in range(CANDIDATES):
        peaks = read_peaks(maps, metadata)
        positions.append(peaks.positions[0] * pixel_mm)
        confidence.append(peaks.confidence[0])
        cells = (peaks.positions[0] - (stride - 1) / 2) / stride
        for index, (column, row) in enumerate(cells):
            apart = np.hypot(columns - column, rows - row) * stride * pixel_mm
            maps[0, :, :, index][apart <= SUPPRESSED_MM] = 0
    return [
        Candidates(np.stack(at), np.array(share))
        for at, share in zip(
            zip(*positions, strict=True), zip(*confidence, strict=True), strict=True
        )
    ]


def _rate(look: Look) -> tuple[float, Vector]:
    """The probabilities of the discs that a window shows, and their middle in the patient."""
    candidates = find_candidates(look.heatmaps, look.metadata)
    chosen = [
        (level.confidence[index], level.positions[index])
        for level, index in zip(candidates, choose_chain(candidates).chosen, strict=True)
        if index is not None
    ]
    if not chosen:
        return 0.0, look.centre
    middle = np.mean([place for _, place in chosen], axis=0) / look.metadata.window.pixel_mm
    return float(sum(share for share, _ in chosen)), look.to_patient(middle)


def combine(look: Look) -> FoundDiscs:
    """Put together what was seen in the slices.

    A disc that lies out of order with the others, or that hardly any slice shows, is not seen.
    """
    candidates = find_candidates(look.heatmaps, look.metadata)
    chain = choose_chain(candidates)
    discs = []
    for level, places, chosen, confidence in zip(
        Level, candidates, chain.chosen, chain.confidence, strict=True
    ):
        if chosen is not None:
            place = places.positions[chosen] / look.metadata.window.pixel_mm
            discs.append(_disc(look, level, place, confidence))
    ends = doubt_ends(chain)
    # From L5/S1 all others are counted.
    doubts = (
        *_doubts(look, discs, chain),
        *(text for level, text in ends if level is Level.L5_S1),
    )
    by_level = [
        *((level, text) for level, text in ends if level is not Level.L5_S1),
        *doubt_steps([np.array(disc.position) for disc in discs], [disc.level for disc in discs]),
        *_doubt_edges(look, discs),
    ]
    found = tuple(
        replace(disc, sure=disc.sure and not (own or doubts), doubts=own)
        for disc in discs
        for own in [tuple(text for level, text in by_level if level is disc.level)]
    )
    seen = {disc.level for disc in found}
    return FoundDiscs(found, tuple(level for level in Level if level not in seen), doubts)


def _disc(look: Look, level: Level, place: npt.NDArray[np.float64], confidence: float) -> Disc:
    """A disc at a place of the window; across the slices it lies where they show it best."""
    shares = _shares(look, level, place)
    in_reference = look.to_patient(place)
    normal = look.reference.normal
    depths = np.array(
        [float((slice_.geometry.position - in_reference) @ normal) for slice_ in look.slices]
    )
    depth = float(shares @ depths / max(shares.sum(), 1e-9))
    position = in_reference + depth * normal
    nearest = look.slices[int(np.abs(depths - depth).argmin())]
    x, y = nearest.geometry.to_pixel(position)
    return Disc(
        level,
        (float(position[0]), float(position[1]), float(position[2])),
        look.series_id,
        nearest.instance_number,
        round(x, 2),
        round(y, 2),
        confidence,
        sure=confidence >= look.metadata.sure,
    )


def _shares(look: Look, level: Level, place: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The probability that each slice gives to a place."""
    metadata = look.metadata
    column, row = (place - (metadata.map_stride - 1) / 2) / metadata.map_stride
    rows, columns = np.ogrid[: look.heatmaps.shape[1], : look.heatmaps.shape[2]]
    cell_mm = metadata.map_stride * metadata.window.pixel_mm
    near = np.hypot(columns - column, rows - row) * cell_mm <= metadata.within_mm
    return np.asarray(look.heatmaps[..., level.ordinal][:, near].sum(axis=1), dtype=np.float64)


def _doubts(look: Look, discs: Sequence[Disc], chain: Chain) -> tuple[str, ...]:
    """What speaks against the numbering of all."""
    doubts = []
    if discs and chain.rival >= RIVAL_SHARE:
        doubts.append(
            "the discs may be numbered by one too high or too low: a vertebra more or less than "
            "usual, or too little of the sacrum in view."
        )
    seen = {disc.level: disc for disc in discs}
    not_seen = [level for level in Level if level not in seen]
    if discs and not_seen:
        were = "was" if len(not_seen) == 1 else "were"
        names = join_words(not_seen)
        doubts.append(f"{names} {were} not seen; the others may be numbered wrongly.")
    # They are counted together: where one disc is taken for another, its neighbours are, too.
    least = min(discs, key=lambda disc: disc.confidence, default=None)
    if least and not least.sure:
        doubts.append(
            f"{least.level} is {least.confidence:.0%} sure, and the discs are counted together."
        )
    if disc := seen.get(Level.L5_S1):
        geometry = look.reference
        _, y = geometry.to_pixel(np.array(disc.position))
        below = (geometry.size[1] - 0.5 - y) * geometry.spacing_mm[1]
        if below < SACRUM_MM:
            doubts.append(
                f"only {max(below, 0):.0f} mm of the sagittal picture lie below L5/S1, too little "
                "to know the sacrum by."
            )
    return tuple(doubts)


def _doubt_edges(look: Look, discs: Sequence[Disc]) -> list[tuple[Level, str]]:
    geometry = look.reference
    doubts = []
    for disc in discs:
        x, y = geometry.to_pixel(np.array(disc.position))
        sides = [
            min(at + 0.5, size - 0.5 - at) * mm
            for at, size, mm in zip((x, y), geometry.size, geometry.spacing_mm, strict=True)
        ]
        if min(sides) < EDGE_MM:
            doubts.append((disc.level, f"{disc.level} lies at the edge of the sagittal picture."))
    return doubts

"""Propose points from the images alone: discs on sagittal pictures, recesses on axial ones."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lss_cli.anatomy import Condition, Level, Side
from lss_cli.errors import StudyError
from lss_cli.locate.chain import doubt_steps
from lss_cli.locate.discs import MOST_SLICES, FoundDiscs, find_discs
from lss_cli.locate.levels import Cut, canal_places, find_cuts
from lss_cli.locate.model import LocatorModel
from lss_cli.locate.proposal import Disc, Proposal, ProposedPoint, UsedSeries
from lss_cli.locate.recess import FoundRecesses, Seen, find_recesses
from lss_cli.model.find import find_locator
from lss_cli.points.point import Point, PointSource
from lss_cli.slices import Float32Array
from lss_cli.study.geometry import Plane, Vector
from lss_cli.study.pixels import remember_pixels
from lss_cli.study.selection import Choice, choose_sagittal, find_axial_t2
from lss_cli.study.slice import Slice
from lss_cli.study.study import Study
from lss_cli.text import printable

CONDITIONS = {Side.LEFT: Condition.LEFT_SUBARTICULAR, Side.RIGHT: Condition.RIGHT_SUBARTICULAR}
# Where the canal lies in an axial picture, as a share of its width and height: the median of
# RSNA's points. Used only where no disc says it.
CANAL_IN_PICTURE = (0.5015, 0.52)

NOT_SEEN = "the disc was not seen in the sagittal series."
ASSUMED = (
    "without a usable sagittal series it is assumed that the five axial stacks are L1/L2 to L5/S1, "
    "from head to feet."
)


@dataclass(frozen=True, eq=False)
class Locators:
    """The networks.

    Attributes:
        sagittal: Finds discs.
        axial: Finds recesses.
    """

    sagittal: LocatorModel
    axial: LocatorModel

    @classmethod
    def load(cls, folder: Path | None = None, *, threads: int | None = None) -> "Locators":
        """Load the shipped ones.

        Args:
            folder: Of the shipped models; by default the program's.
            threads: Of the processor, for one run.

        Raises:
            ModelError: One is missing, or is no locator.
        """
        sagittal, axial = (
            LocatorModel.open(find_locator(kind, folder), threads=threads)
            for kind in ("sagittal", "axial")
        )
        return cls(sagittal, axial)


def locate(
    study: Study, models: Locators, read: Callable[[Slice], Float32Array] | None = None
) -> Proposal:
    """Find the points of one study, each with a confidence, or say why there is none.

    Args:
        study: The study, its headers read.
        models: The networks.
        read: Decodes a slice; one that remembers saves work where points are graded afterwards.

    Raises:
        StudyError: The study has no axial T2 series.
        ModelError: A network fails.
    """
    read = read or remember_pixels()
    axial = find_axial_t2(study.series)
    doubts = [choice.doubt for choice in axial if choice.doubt]
    used = []
    found, reason = FoundDiscs((), tuple(Level), ()), ""
    try:
        sagittal = choose_sagittal(study.series, _axial_centres(axial))
        used.append(UsedSeries("sagittal", sagittal.series.id, sagittal.why))
        doubts += [sagittal.doubt] if sagittal.doubt else []
        found = find_discs(sagittal.series, models.sagittal, read)
    except StudyError as error:
        reason = printable(error.what, 300)
    used += [UsedSeries("axial", choice.series.id, choice.why) for choice in axial]
    if found.discs:
        cuts, missing = find_cuts(
            [(disc.level, np.array(disc.position)) for disc in found.discs],
            [choice.series for choice in axial],
        )
        missing |= dict.fromkeys(found.not_seen, NOT_SEEN)
        doubts += found.doubts
    else:
        cuts = _assume_cuts(axial)
        missing = {} if cuts else dict.fromkeys(Level, reason or NOT_SEEN)
        doubts += [reason or NOT_SEEN, ASSUMED] if cuts else []
    discs = {disc.level: disc for disc in found.discs}
    recesses, unread = find_recesses(
        [cuts[level] for level in Level if level in cuts], models.axial, read
    )
    missing |= unread
    return Proposal(
        study_id=study.id,
        discs=found.discs,
        points=tuple(
            _propose(study, side, recess, discs.get(recess.level), models, doubtful=bool(doubts))
            for recess in recesses
            for side in Side
        ),
        missing={level: missing[level] for level in Level if level in missing},
        series=tuple(used),
        doubts=tuple(dict.fromkeys(doubts)),
        models=(models.sagittal.metadata.name, models.axial.metadata.name),
    )


def count_discs(
    study: Study, model: LocatorModel, read: Callable[[Slice], Float32Array] | None = None
) -> dict[Level, Vector]:
    """Where the canal lies at each disc, in the patient, in mm; nothing unless all five are sure.

    The middle slice alone mostly says it, as the pictures do that the confidence was measured on;
    where it does not, all central slices are asked.

    Args:
        study: The study, its headers read.
        model: Finds discs.
        read: Decodes a slice, and remembers it.

    Raises:
        ModelError: The network fails.
    """
    read = read or remember_pixels()
    with suppress(StudyError):
        sagittal = choose_sagittal(study.series)
        for most in () if sagittal.doubt else (1, MOST_SLICES):
            discs = find_discs(sagittal.series, model, read, most).discs
            if len(discs) == len(Level) and all(disc.sure for disc in discs):
                return canal_places([(disc.level, np.array(disc.position)) for disc in discs])
    return {}


def _axial_centres(axial: Sequence[Choice]) -> list[Vector]:
    return [
        slice_.geometry.centre
        for choice in axial
        for slice_ in choice.series.slices
        if slice_.geometry.plane is Plane.AXIAL
    ]


def _assume_cuts(axial: Sequence[Choice]) -> dict[Level, Cut]:
    """The middle slices of five stacks, one for each disc; nothing where there are not five."""
    stacks = [
        (choice.series, stack)
        for choice in axial
        for stack in choice.series.stacks
        if stack.slices[0].geometry.plane is Plane.AXIAL
    ]
    if len(axial) > 1 or len(stacks) != len(Level):
        return {}
    middles = [stack.slices[(len(stack.slices) - 1) // 2].geometry.centre for _, stack in stacks]
    if doubt_steps(middles, list(Level)):
        return {}
    return {
        level: Cut(level, series, stack, (len(stack.slices) - 1) / 2, _canal(stack.slices))
        for level, (series, stack) in zip(Level, stacks, strict=True)
    }


def _canal(slices: Sequence[Slice]) -> Vector:
    """Where the canal usually lies in the middle slice, in the patient, in mm."""
    geometry = slices[(len(slices) - 1) // 2].geometry.oriented
    x, y = (share * size - 0.5 for share, size in zip(CANAL_IN_PICTURE, geometry.size, strict=True))
    return geometry.to_patient((x, y))


def _propose(
    study: Study,
    side: Side,
    recess: FoundRecesses,
    disc: Disc | None,
    models: Locators,
    *,
    doubtful: bool,
) -> ProposedPoint:
    confidence = recess.best.confidence[side]
    doubts = [*(disc.doubts if disc else ()), *recess.doubts]
    if disc and disc.confidence < models.sagittal.metadata.sure:
        doubts.append(f"the disc is {disc.confidence:.0%} sure.")
    if confidence < models.axial.metadata.sure:
        doubts.append(f"the {side} recess is {confidence:.0%} sure.")
    position = recess.best.position(side)
    alternative = recess.alternative
    return ProposedPoint(
        _point(study, side, recess.level, recess.best),
        (float(position[0]), float(position[1]), float(position[2])),
        (disc.confidence if disc else 0.0) * confidence,
        sure=bool(disc and disc.sure) and not doubts and not doubtful,
        doubts=tuple(doubts),
        alternative=_point(study, side, recess.level, alternative) if alternative else None,
    )


def _point(study: Study, side: Side, level: Level, seen: Seen) -> Point:
    x, y = seen.stored(side)
    number = seen.slice_in_stack.slice.instance_number
    return Point(
        study_id=study.id,
        series_id=seen.slice_in_stack.series.id,
        instance_number=number if number is not None else 0,
        condition=CONDITIONS[side],
        level=level,
        x=round(x, 2),
        y=round(y, 2),
        source=PointSource.PROPOSED,
    )

"""Model inputs of points, and what a model says of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lss_cli.anatomy import Severity
from lss_cli.model.inputs import model_input
from lss_cli.model.session import Model
from lss_cli.points.point import Point
from lss_cli.rule import CERTAIN
from lss_cli.slices import Float32Array
from lss_cli.study.study import Located

CLICK_MM = 2.0
MOVES = ((CLICK_MM, 0.0), (-CLICK_MM, 0.0), (0.0, CLICK_MM), (0.0, -CLICK_MM))

# A grade that has so much of all, probabilities times weights, is not tried out beside its point:
# out of fold 1 of 3,882 such grades changed (docs/default-model.md).
STEADY = 0.8


@dataclass(frozen=True, eq=False)
class PointInput:
    """A point that can be graded.

    Attributes:
        located: The point with its slices.
        image: H × W × C, from `model_input`.
        coords: 2 numbers, from `model_input`.
    """

    located: Located[Point]
    image: Float32Array
    coords: Float32Array


def make_input(
    located: Located[Point], model: Model, moved_mm: tuple[float, float] = (0.0, 0.0)
) -> PointInput:
    """The model input, of the point itself or of one some millimetres beside it.

    Raises:
        ValueError: See `model_input`.
    """
    (x, y), spacing_mm = located.pixel, located.slices.spacing_mm
    condition = located.point.condition
    image, coords = model_input(
        located.slices,
        (x + moved_mm[0] / spacing_mm[0], y + moved_mm[1] / spacing_mm[1]),
        model.metadata.input,
        side=condition.side,
        mirror=model.metadata.mirrors(condition),
    )
    return PointInput(located, image, coords)


def probabilities_of(inputs: Sequence[PointInput], model: Model) -> Float32Array:
    """N × 3, from one run."""
    if not inputs:
        return np.zeros((0, len(Severity)), np.float32)
    return model.probabilities(
        np.stack([given.image for given in inputs]),
        np.stack([given.coords for given in inputs]),
        [given.located.point.level for given in inputs],
    )


def are_unfamiliar(inputs: Sequence[PointInput], model: Model) -> list[bool]:
    """Whether an input is unlike those that the model was trained on."""
    statistics = model.metadata.ood
    if statistics is None or not inputs:
        return [False] * len(inputs)
    scores = statistics.score(np.stack([given.image for given in inputs]))
    return [bool(score > 1) for score in scores]


def are_unstable(inputs: Sequence[PointInput], prob: Float32Array, model: Model) -> list[bool]:
    """Whether a click a little beside the point would have given another grade.

    Grades that are uncertain anyway, or nearly sure, are not tried.
    """
    rule, changes = model.metadata.rule, [False] * len(inputs)
    chosen, weighed = rule.choose(prob), rule.weigh(prob)
    for index, grade in enumerate(chosen):
        if prob[index, grade] < CERTAIN or weighed[index, grade] >= STEADY:
            continue
        try:
            beside = [make_input(inputs[index].located, model, move) for move in MOVES]
        except ValueError:
            # There is nothing to be graded where the point would have been.
            changes[index] = True
            continue
        changes[index] = bool((rule.choose(probabilities_of(beside, model)) != grade).any())
    return changes

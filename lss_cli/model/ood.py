"""Out-of-distribution statistics: whether an input looks like those of the training.

A network answers with probabilities whatever it is shown. The model file therefore carries a few
statistics of its training inputs, and what does not fit them is pointed out.
"""

from collections.abc import Iterable
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from lss_cli.slices import Float32Array

# Cells, down and across, in which grey values are averaged, and edges and differences.
GREY, EDGES = (8, 8), (4, 5)
LENGTH = GREY[0] * GREY[1] + 5 * EDGES[0] * EDGES[1]
COMPONENTS = 12
FOLDS = 5

# One good input in a hundred is warned about. Nearer to one, the limit would depend on the few odd
# images that every data set holds.
FAMILIAR_SHARE = 0.99

# Keeps what hardly varies in the training inputs from deciding alone, and divisions from failing.
LEAST_SPREAD = 1e-3


Numbers = Annotated[
    tuple[Annotated[float, Field(allow_inf_nan=False)], ...],
    Field(min_length=LENGTH, max_length=LENGTH),
]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class OodStatistics:
    """What the training inputs of a model look like: principal components of their descriptions.

    Attributes:
        mean: Of each of the `LENGTH` numbers that `describe` gives.
        scale: Their standard deviations.
        axes: The components, orthonormal, as rows of `LENGTH` numbers.
        spread: The variance along each axis.
        rest: The mean squared distance to the space that the axes span.
        limit: The largest sum of both distances, each relative to its mean, that is familiar.

    Raises:
        ValidationError: Nothing could be compared with them; says which, and what is wrong.
    """

    mean: Numbers
    scale: Annotated[tuple[Positive, ...], Field(min_length=LENGTH, max_length=LENGTH)]
    axes: Annotated[tuple[Numbers, ...], Field(min_length=1, max_length=LENGTH)]
    spread: tuple[Positive, ...]
    rest: Positive
    limit: Positive

    @model_validator(mode="after")
    def _check_axes(self) -> "OodStatistics":
        if len(self.axes) != len(self.spread):
            raise ValueError(f"there are {len(self.axes)} axes and {len(self.spread)} spreads")
        axes = np.array(self.axes)
        # A file may hold any finite number; what overflows is no unit vector.
        with np.errstate(all="ignore"):
            orthonormal = np.allclose(axes @ axes.T, np.eye(len(axes)), atol=0.01)
        if not orthonormal:
            raise ValueError("the axes are not orthonormal")
        return self

    @classmethod
    def fit(cls, batches: Iterable[Float32Array], studies: npt.ArrayLike) -> "OodStatistics":
        """Measure what training inputs look like.

        Args:
            batches: The inputs, some at a time: N × H × W × C each.
            studies: The name of each input's study, over all batches. The limit is measured on
                studies that the rest of the statistics is not taken from, in turn.

        Raises:
            ValueError: There are no inputs.
        """
        values = np.concatenate([describe(images) for images in batches])
        folds = np.unique(np.asarray(studies), return_inverse=True)[1] % FOLDS
        distances = []
        for fold in range(int(folds.max()) + 1):
            others = values[folds != fold] if folds.any() else values
            distances.append(_fit_components(others)._distance(values[folds == fold]))
        limit = float(np.quantile(np.concatenate(distances), FAMILIAR_SHARE))
        return _fit_components(values, max(limit, LEAST_SPREAD))

    def score(self, images: Float32Array) -> npt.NDArray[np.float64]:
        """How far inputs are from the training inputs, relative to what is familiar.

        The distance within the principal components (Hotelling's T²) and the one to them, each
        relative to its mean over the training inputs, are added up. Source: Yue and Qin,
        "Reconstruction-Based Fault Identification Using a Combined Index", Ind Eng Chem Res 2001.

        Args:
            images: N × H × W × C, from `model_input`.

        Returns:
            N numbers; above 1 the image is unlike the training inputs, also if it is not finite.
        """
        # A file may hold any finite number; what overflows is strange.
        with np.errstate(all="ignore"):
            scores = self._distance(describe(images)) / self.limit
        return np.where(np.isnan(scores), np.inf, scores)

    def _distance(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        centred = (values - np.array(self.mean)) / np.array(self.scale)
        squares = (centred @ np.array(self.axes).T) ** 2
        within = (squares / np.array(self.spread)).mean(axis=1)
        beside = (centred**2).sum(axis=1) - squares.sum(axis=1)
        return np.asarray(within + beside / self.rest)


def describe(images: Float32Array) -> npt.NDArray[np.float64]:
    """Describe inputs by a few numbers each.

    These are the mean grey values of the point's slice in coarse cells; how steeply it rises and
    falls, downwards and across; and how much the neighbouring slices differ from it.

    Args:
        images: N × H × W × C, H and W at least 8.

    Returns:
        N × `LENGTH`.
    """
    middle = images[..., images.shape[3] // 2]
    down = middle[:, 2:, 1:-1] - middle[:, :-2, 1:-1]
    across = middle[:, 1:-1, 2:] - middle[:, 1:-1, :-2]
    edges = [np.maximum(slope, 0) for slope in (down, -down, across, -across)]
    differences = np.abs(images - middle[..., np.newaxis]).mean(axis=3)
    parts = [
        _cells(middle, GREY),
        # Few are large: roots and logarithms spread them more evenly.
        *(np.sqrt(_cells(edge, EDGES)) for edge in edges),
        np.log(_cells(differences, EDGES) + 0.01),
    ]
    return np.concatenate(parts, axis=1, dtype=np.float64)


def _fit_components(values: npt.NDArray[np.float64], limit: float = 1.0) -> OodStatistics:
    """The principal components of descriptions, N × `LENGTH`."""
    mean, scale = values.mean(axis=0), values.std(axis=0) + LEAST_SPREAD
    centred = (values - mean) / scale
    variances, vectors = np.linalg.eigh(centred.T @ centred / len(values))
    kept = slice(-1, -COMPONENTS - 1, -1)
    return OodStatistics(
        mean=_short(mean),
        scale=_short(scale),
        axes=tuple(_short(row) for row in vectors.T[kept]),
        spread=_short(np.maximum(variances[kept], LEAST_SPREAD)),
        rest=_short([max(float(variances[:-COMPONENTS].sum()), LEAST_SPREAD)])[0],
        limit=_short([limit])[0],
    )


def _cells(values: Float32Array, grid: tuple[int, int]) -> Float32Array:
    """N × H × W averaged in a grid of about equal cells, N × cells."""
    down, across = (
        np.linspace(0, size, count + 1).round().astype(int)
        for size, count in zip(values.shape[1:], grid, strict=True)
    )
    sums = np.add.reduceat(np.add.reduceat(values, down[:-1], axis=1), across[:-1], axis=2)
    means = sums / np.outer(np.diff(down), np.diff(across))
    return np.asarray(means.reshape(len(values), grid[0] * grid[1]))


def _short(values: Iterable[float]) -> tuple[float, ...]:
    """Five digits, which is more than the statistics are worth, keep the model's text short."""
    return tuple(float(f"{value:.5g}") for value in values)

"""Series, and a slice among the others of its stack."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lss_cli.errors import PointOutsideError, SliceNotFoundError, StudyError
from lss_cli.slices import Float32Array, Slices
from lss_cli.study.geometry import Plane
from lss_cli.study.pixels import read_pixels
from lss_cli.study.slice import Slice
from lss_cli.study.stacks import Stack, split_into_stacks
from lss_cli.text import printable

# Some scanners add a reference picture of another plane to a series.
MIN_PLANE_SHARE = 0.8

STACK_ENDS = "the stack ends here, or a slice of it is missing."


@dataclass(frozen=True)
class SliceInStack:
    """One slice, among the others of its stack."""

    series: "Series"
    stack: Stack
    index: int

    @property
    def slice(self) -> Slice:
        """The slice itself."""
        return self.stack.slices[self.index]

    def read_slices(
        self, neighbours: int, read: Callable[[Slice], Float32Array] = read_pixels
    ) -> Slices:
        """Decode this slice and its neighbours, in the one orientation.

        For a neighbour that is missing or damaged the next slice on the way to it stands in.

        Args:
            neighbours: How many on each side.
            read: Gives the pixels of a slice; one that remembers serves places that share slices.

        Raises:
            StudyError: The slice itself is damaged or cannot be decoded.
        """
        pixels = {0: read(self.slice)}
        missing = {}
        for step in range(1, neighbours + 1):
            for side in (-1, 1):
                try:
                    pixels[side * step] = self._read_neighbour(side * step, read)
                except StudyError as error:
                    missing[side * step] = str(error)
                    pixels[side * step] = pixels[side * (step - 1)]
        geometry = self.slice.geometry
        return Slices(
            pixels=np.stack([pixels[step] for step in range(-neighbours, neighbours + 1)]),
            spacing_mm=geometry.orientation.orient_pair(geometry.spacing_mm),
            full_size=geometry.orientation.orient_pair(geometry.size),
            missing=missing,
        )

    def _read_neighbour(self, step: int, read: Callable[[Slice], Float32Array]) -> Float32Array:
        """The slice so many steps away.

        Raises:
            SliceNotFoundError: There is none, or there are two.
            StudyError: It cannot be decoded.
        """
        index = self.index + step
        if not 0 <= index < len(self.stack.slices):
            raise SliceNotFoundError(STACK_ENDS)
        slice_ = self.stack.slices[index]
        same = [other for other in self.series.slices if other.is_same_as(slice_)]
        if len(same) > 1:
            raise SliceNotFoundError(
                f"{len(same)} slices with other pixels have the instance number "
                f"{slice_.instance_number}."
            )
        return read(slice_)

    def orient_point(self, point: tuple[float, float]) -> tuple[float, float]:
        """Bring a point of the file's own slice to the one orientation, in pixels.

        Raises:
            PointOutsideError: The point lies outside the slice.
        """
        width, height = self.slice.geometry.size
        if not (-0.5 <= point[0] <= width - 0.5 and -0.5 <= point[1] <= height - 0.5):
            raise PointOutsideError(
                f"the point ({point[0]:g}, {point[1]:g}) lies outside the slice of "
                f"{width} × {height} pixels."
            )
        return self.slice.geometry.orientation.orient_point(point, (width, height))


@dataclass(frozen=True, eq=False)
class Series:
    """Slices under one SeriesInstanceUID.

    Attributes:
        uid: SeriesInstanceUID, empty where the files have none.
        folders: Names of the folders that its files lie in.
        slices: In the order of the files' names.
    """

    uid: str
    folders: tuple[str, ...]
    description: str
    echo_time: float | None
    repetition_time: float | None
    slices: tuple[Slice, ...]

    @property
    def id(self) -> str:
        """The name it goes by: the short number of the RSNA folders, else the whole UID."""
        short = self.uid.rpartition(".")[2]
        if not self.uid or self.folders == (short,):
            return self.folders[0]
        return self.uid

    @property
    def plane(self) -> Plane | None:
        """The plane of most of its slices; ``None`` for a mixture, as in a localizer."""
        planes = Counter(slice_.geometry.plane for slice_ in self.slices)
        plane, count = planes.most_common(1)[0]
        return plane if count >= MIN_PLANE_SHARE * len(self.slices) else None

    @cached_property
    def stacks(self) -> tuple[Stack, ...]:
        """Its stacks, in anatomical order."""
        return split_into_stacks(self.slices)

    def matches(self, series_id: str) -> bool:
        """Whether `series_id` is its UID, the UID's last component, or its folder's name."""
        return series_id in {self.uid, self.uid.rpartition(".")[2], *self.folders}

    def find(self, instance_number: int) -> SliceInStack:
        """Find the slice with this instance number (of a multi-frame file: this frame).

        Raises:
            SliceNotFoundError: There is none, or there are several.
        """
        matches = [
            SliceInStack(self, stack, index)
            for stack in self.stacks
            for index, slice_ in enumerate(stack.slices)
            if slice_.instance_number == instance_number
        ]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise SliceNotFoundError(
                f"{len(matches)} slices of series {printable(self.id)} have the instance number "
                f"{instance_number}.",
                todo="Keep one of them in the folder; their pixels or positions differ.",
            )
        numbers = sorted(
            slice_.instance_number for slice_ in self.slices if slice_.instance_number is not None
        )
        span = f"it has {numbers[0]} to {numbers[-1]}" if numbers else "its slices are not numbered"
        if numbers and numbers[0] < instance_number < numbers[-1]:
            span = "others are there, so its file may be damaged or missing"
        raise SliceNotFoundError(
            f"series {printable(self.id)} has no instance {instance_number}; {span}."
        )

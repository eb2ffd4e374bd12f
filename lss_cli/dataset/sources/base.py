"""What a source of training data offers: a master table, and the slices behind its rows."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from lss_cli.slices import Slices


@dataclass(frozen=True)
class PointRef:
    """Where the point of one row lies.

    Attributes:
        line: The row's line in its table.
        series_id: As in the table.
        instance_number: As in the table.
        x: Column of the point, as in the table.
        y: Row of the point, as in the table.
    """

    line: int
    series_id: str
    instance_number: int
    x: float
    y: float

    @property
    def slice(self) -> tuple[str, int]:
        """What points of one slice have in common."""
        return self.series_id, self.instance_number


class StudyImages(Protocol):
    """The images of one study."""

    def at(self, ref: PointRef, neighbours: int) -> tuple[Slices, tuple[float, float]]:
        """The slices around a point, head to feet, and the point in the full, oriented slice.

        Raises:
            Unusable: The slices or the point are not there; says why.
        """
        ...


class Source(Protocol):
    """Where labels, points and images come from; light enough to be sent to another process."""

    @property
    def tables(self) -> list[Path]:
        """The files that it is described by."""
        ...

    @property
    def files(self) -> list[Path]:
        """All files and folders that it is read from."""
        ...

    def master_table(self) -> pd.DataFrame:
        """The outer join of labels and points of all conditions: `COLUMNS` and the reasons."""
        ...

    def open_study(self, study_id: str) -> StudyImages:
        """The images of one study.

        Raises:
            Unusable: The study is not there or cannot be read.
        """
        ...

    def files_key(self, study_id: str, series: Collection[str]) -> str:
        """Changes when the images of these series change, or what is said about them.

        It looks at names, sizes and dates of files and opens none.
        """
        ...

    def series(self) -> pd.DataFrame:
        """All series: ``study_id``, ``series_id``, ``series_description``."""
        ...

    def order_known(self, series_id: str, study_id: str) -> bool:
        """Whether the slices of a series are surely given head to feet."""
        ...

"""What the images of a study show by themselves, which points from elsewhere are held against."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from lss_cli.anatomy import Level
from lss_cli.locate.locate import Locators, count_discs
from lss_cli.locate.recess import RecessView, Seen, see_recesses
from lss_cli.study.geometry import Vector
from lss_cli.study.study import Study


class Landmarks:
    """The landmarks of one study, looked for when they are asked for.

    Args:
        study: The study, its headers read.
        models: Find them.
    """

    def __init__(self, study: Study, models: Locators) -> None:
        self._study, self._models = study, models

    @cached_property
    def discs(self) -> Mapping[Level, Vector]:
        """Where the canal lies at each disc; see `count_discs`.

        Raises:
            ModelError: The network fails.
        """
        return count_discs(self._study, self._models.sagittal)

    def recesses(self, views: Sequence[RecessView]) -> list[Seen | None]:
        """Both recesses in each slice; ``None`` where they are not sure.

        Args:
            views: The slices, and where to look.

        Raises:
            ModelError: The network fails.
        """
        sure = self._models.axial.metadata.sure
        return [
            seen if seen.apart_as_usual and min(seen.confidence.values()) >= sure else None
            for seen in see_recesses(views, self._models.axial)
        ]

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
        # By slice and place: left and right of a level mostly share one, and while points are being
        # set most stay where they are.
        self._seen: dict[tuple[int, bytes], Seen] = {}

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
        each = {_key(view): view for view in views}
        new = [view for key, view in each.items() if key not in self._seen]
        self._seen.update(zip(map(_key, new), see_recesses(new, self._models.axial), strict=True))
        seen = [self._seen[_key(view)] for view in views]
        return [recesses if self._is_sure(recesses) else None for recesses in seen]

    def _is_sure(self, seen: Seen) -> bool:
        least = min(seen.confidence.values())
        return seen.apart_as_usual and least >= self._models.axial.metadata.sure


def _key(view: RecessView) -> tuple[int, bytes]:
    return id(view.slice_in_stack.slice), view.centre.tobytes()

"""What the networks that are at hand do for a page: propose points, and doubt others."""

from collections.abc import Sequence
from pathlib import Path

from lss_cli.errors import LssError
from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.locate import Locators, locate
from lss_cli.locate.proposal import Proposal, ProposedPoint
from lss_cli.study.study import Study


class Proposer:
    """Proposes points for a person to confirm or to move, and knows what points are held against.

    Whatever stands in the way costs no more.

    Args:
        models: Folder of the networks that find them.
    """

    def __init__(self, models: Path) -> None:
        self._locators: Locators | None = None
        self._reason = ""
        try:
            self._locators = Locators.load(models)
        except LssError as error:
            self._reason = error.what

    def propose(self, study: Study) -> tuple[Sequence[ProposedPoint], str]:
        """The points of a study, and what is to be said of them or of their lack."""
        reason = self._reason
        if self._locators is not None:
            try:
                return _describe(locate(study, self._locators))
            except LssError as error:
                reason = error.what
        return (), f"No points are proposed: {reason}"

    def landmarks(self, study: Study) -> Landmarks | None:
        """What points of a study are held against; ``None`` where no networks find it."""
        return Landmarks(study, self._locators) if self._locators else None


def _describe(proposal: Proposal) -> tuple[Sequence[ProposedPoint], str]:
    reasons: dict[str, list[str]] = {}
    for level, reason in proposal.missing.items():
        reasons.setdefault(reason, []).append(str(level))
    texts = [f"{', '.join(levels)}: {reason}" for reason, levels in reasons.items()]
    return proposal.points, " ".join((*proposal.doubts, *texts))

"""``lss predict --click``: the page, and what becomes of its points when it is interrupted."""

from collections.abc import Sequence
from pathlib import Path

from lss_cli.anatomy import Condition
from lss_cli.annotate.actions import StudyActions
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.draft import Draft
from lss_cli.cli.environment import Environment
from lss_cli.grading.derived import to_be_set
from lss_cli.locate.proposer import Proposer
from lss_cli.model.models import Models
from lss_cli.points.table import write_points
from lss_cli.study.study import Study


def annotate_study(
    environment: Environment,
    study: Study,
    models: Models,
    conditions: Sequence[Condition],
    *,
    given: Annotations,
    save_coords: Path | None,
    proposer: Proposer,
    propose: bool = False,
) -> tuple[Annotations, Draft]:
    """Have the points set in the browser, for these conditions or all that is graded.

    Args:
        environment: Opens the browser, and says where drafts are kept.
        study: The study, its headers read.
        models: Grade on the page.
        conditions: Those wanted.
        given: Points to begin with.
        save_coords: Where the points go when the command is interrupted, too.
        proposer: Knows what points are held against.
        propose: Whether to propose points, to be confirmed or moved.

    Returns:
        What was set, and the draft, to be removed when the result is there.
    """
    # What no model may grade is refused now, not after the clicks.
    models.require(conditions)
    wanted = to_be_set(conditions or models.conditions, models)
    proposed, note = proposer.propose(study) if propose else ((), "")
    landmarks = proposer.landmarks(study)
    actions = StudyActions(study, models, conditions, landmarks)
    draft = Draft.of(study, wanted, environment.state)
    try:
        annotations = environment.annotate(
            study,
            conditions=wanted,
            grade=actions.grade,
            # Also under --quiet: without the link there is nothing to be done.
            announce=lambda text: print(text, file=environment.stderr, flush=True),
            open_browser=environment.open_browser,
            draw_evidence=actions.draw_evidence,
            draft=draft,
            given=given,
            proposed=proposed,
            note=note,
            landmarks=landmarks,
            render=actions.render,
        )
    except KeyboardInterrupt:
        latest = draft.latest
        if save_coords and latest:
            write_points(save_coords, latest.points, latest.bad_points(study.id), latest.remark)
            environment.messages.print(f"Written: {save_coords}")
        raise
    return annotations, draft

"""``lss predict --click``: the page, and what becomes of its points when it is interrupted."""

from collections.abc import Sequence
from pathlib import Path

from lss_cli.anatomy import Condition
from lss_cli.annotate.actions import StudyActions
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.draft import Draft
from lss_cli.cli.environment import Environment
from lss_cli.locate.proposer import Proposer
from lss_cli.model.session import Model
from lss_cli.points.table import write_points
from lss_cli.study.study import Study


def annotate_study(
    environment: Environment,
    study: Study,
    model: Model,
    conditions: Sequence[Condition],
    *,
    given: Annotations,
    save_coords: Path | None,
    proposer: Proposer,
    propose: bool = False,
) -> tuple[Annotations, Draft]:
    """Have the points set in the browser, for these conditions or all that the model grades.

    Args:
        environment: Opens the browser, and says where drafts are kept.
        study: The study, its headers read.
        model: Grades on the page.
        conditions: Those wanted.
        given: Points to begin with.
        save_coords: Where the points go when the command is interrupted, too.
        proposer: Knows what points are held against.
        propose: Whether to propose points, to be confirmed or moved.

    Returns:
        What was set, and the draft, to be removed when the result is there.
    """
    # What the model may not grade is refused now, not after the clicks.
    model.require(conditions)
    wanted = [
        condition
        for condition in Condition
        if condition in (conditions or model.metadata.conditions)
    ]
    proposed, note = proposer.propose(study) if propose else ((), "")
    landmarks = proposer.landmarks(study)
    actions = StudyActions(study, model, conditions, landmarks)
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

"""``lss predict``."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import ConditionOption, Debug, ModelOption, Quiet
from lss_cli.cli.progress import show_progress
from lss_cli.errors import ExitCode, LssError, UsageError
from lss_cli.text import join_words, printable

if TYPE_CHECKING:
    from lss_cli.grading.result import StudyGrade


def predict(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(help="Folder of one study's DICOM files.")],
    coords: Annotated[
        list[Path] | None,
        typer.Option(
            help="Points: CSV in RSNA's columns, or JSON with the same keys; may be given several "
            "times."
        ),
    ] = None,
    click: Annotated[
        bool,
        typer.Option(
            "--click",
            help="Set the points in the browser, or look through those of --coords; without "
            "--coords this is meant where there is a screen. Elsewhere points are proposed from "
            "the images.",
        ),
    ] = False,
    save_coords: Annotated[
        Path | None, typer.Option(help="Keep the points that were clicked in this CSV file.")
    ] = None,
    model: ModelOption = "default",
    condition: ConditionOption = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the rows to this CSV file.")] = None,
    json: Annotated[
        str | None, typer.Option(help="Also write them to this JSON file; - prints JSON only.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with pictures to this HTML file.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Also write one PNG per level into this folder.")
    ] = None,
    dicom_sr: Annotated[
        Path | None, typer.Option(help="Also write a DICOM structured report to this file.")
    ] = None,
    dicom_sc: Annotated[
        Path | None,
        typer.Option(help="Also write the table and pictures as DICOM images into this folder."),
    ] = None,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Grade one study and print the probabilities per level.

    Example: lss predict ./study_123 --coords coords.csv
    """
    from lss_cli.cli.proposals import grade_proposed
    from lss_cli.grading.grade import grade_study, study_names
    from lss_cli.locate.proposer import Proposer
    from lss_cli.model.find import find_models
    from lss_cli.model.models import Models
    from lss_cli.output.outputs import Outputs
    from lss_cli.points.table import read_points, write_points
    from lss_cli.study.study import read_study
    from lss_cli.tables import check_csv_name

    environment: Environment = context.obj
    conditions = list(dict.fromkeys(condition or ()))
    json_file = Path(json) if json and json != "-" else None
    outputs = Outputs(csv, json_file, html, picture, dicom_sr, dicom_sc, save_coords)
    check_csv_name(csv, "--csv")
    outputs.check(reads=[study, *(coords or ()), Path(model)])
    _check_source(environment, coords, click, save_coords)
    dicom_study = read_study(study)
    if environment.debug:
        # Results name files by series and instance number only.
        for file in dicom_study.skipped:
            environment.messages.print(printable(f"Left out: {file.path}, {file.reason}", 500))
    points, bad_points = read_points(coords, study_names(dicom_study)) if coords else ([], [])
    remark, draft = "", None
    models = Models.load(find_models(model, environment.models))
    asked = _is_asked(environment, coords, click)
    proposer = Proposer(environment.models) if coords or asked else None
    if asked and proposer:
        from lss_cli.annotate.annotations import Annotations
        from lss_cli.cli.annotate import annotate_study

        outputs.check_study(dicom_study)
        annotations, draft = annotate_study(
            environment,
            dicom_study,
            models,
            conditions,
            given=Annotations.of_table(points, bad_points),
            save_coords=save_coords,
            proposer=proposer,
            propose=not click,
        )
        points, bad_points = list(annotations.points), annotations.bad_points(dicom_study.id)
        remark = annotations.remark
    faults: list[Exception] = []
    if save_coords:
        with _keep(faults):
            write_points(save_coords, points, bad_points, remark)
            environment.messages.print(f"Written: {save_coords}")
    if proposer:
        result = grade_study(
            dicom_study,
            points,
            bad_points,
            models,
            conditions,
            remark=remark,
            landmarks=proposer.landmarks(dicom_study),
        )
    else:
        result = grade_proposed(environment, dicom_study, models, conditions)
    with _keep(faults):
        _print(environment, result, as_json=json == "-")
    drawing = (
        show_progress(environment.messages, "pictures")
        if html or picture or dicom_sc
        else nullcontext()
    )
    with drawing as progress:
        _say(environment, faults, outputs.write(dicom_study, result, models, progress))
    if draft:
        draft.remove()
    if not result.complete:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _print(environment: Environment, result: "StudyGrade", *, as_json: bool) -> None:
    from lss_cli.output.json_document import to_json
    from lss_cli.output.table import to_table

    if as_json:
        environment.stdout.write(to_json(result))
    else:
        console = environment.results
        console.print(to_table(result, console.width))


def _say(
    environment: Environment, faults: list[Exception], written: Iterable[str | Exception]
) -> None:
    """Say of each file that it is there; in the end, of all that are not, why."""
    for done in written:
        if isinstance(done, Exception):
            faults.append(done)
        else:
            environment.messages.print(done)
    # A fault of ours comes first: it is the one that ends the command.
    faults.sort(key=lambda fault: isinstance(fault, LssError))
    for fault in faults[1:]:
        environment.error(str(fault))
    if faults:
        raise faults[0]


@contextmanager
def _keep(faults: list[Exception]) -> Iterator[None]:
    """Keep what goes wrong for later: what is written next does not depend on it."""
    try:
        yield
    except Exception as error:
        faults.append(error)


def _check_source(
    environment: Environment, coords: list[Path] | None, click: bool, save_coords: Path | None
) -> None:
    """Say before the work what does not go together."""
    if save_coords and not _is_asked(environment, coords, click):
        if coords:
            where = f"in {join_words(map(str, coords))} already"
            raise UsageError(f"--save-coords keeps clicked points; these are {where}.")
        raise UsageError(
            "--save-coords keeps clicked points; without a screen there are none.",
            todo="Use 'lss locate --coords-out' to keep proposed ones.",
        )


def _is_asked(environment: Environment, coords: list[Path] | None, click: bool) -> bool:
    """Whether a person sets the points, or looks through those of a table."""
    return click or (not coords and environment.has_screen())

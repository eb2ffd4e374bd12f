"""``lss predict``."""

from pathlib import Path
from typing import Annotated

import typer

from lss_cli.cli.console import messages, results
from lss_cli.cli.options import parse_conditions
from lss_cli.errors import ExitCode, UsageError


def predict(
    study: Annotated[Path, typer.Argument(help="Folder of one study's DICOM files.")],
    coords: Annotated[
        Path | None,
        typer.Option(help="Points: CSV in RSNA's columns, or JSON with the same keys."),
    ] = None,
    click: Annotated[
        bool,
        typer.Option(
            "--click", help="Set the points in the browser; without --coords this is meant."
        ),
    ] = False,
    save_coords: Annotated[
        Path | None, typer.Option(help="Keep the points that were clicked in this CSV file.")
    ] = None,
    model: Annotated[str, typer.Option(help="Name of a shipped model, or an .onnx file.")] = (
        "default"
    ),
    condition: Annotated[
        list[str] | None,
        typer.Option(help="Grade only this condition; may be given several times."),
    ] = None,
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
) -> None:
    """Grade one study and print the probabilities per level.

    Example: lss predict ./study_123 --coords coords.csv
    """
    from lss_cli.grading.grade import grade_study, study_names
    from lss_cli.model.find import find_model
    from lss_cli.model.session import load_model
    from lss_cli.output.document import to_json
    from lss_cli.output.outputs import Outputs
    from lss_cli.output.table import to_table
    from lss_cli.points.table import read_points, write_points
    from lss_cli.study.study import read_study

    conditions = parse_conditions(condition or [])
    json_file = Path(json) if json and json != "-" else None
    outputs = Outputs(csv, json_file, html, picture, dicom_sr, save_coords)
    outputs.check(reads=[one for one in (study, coords, Path(model)) if one])
    _check_source(coords, click, save_coords)
    found = read_study(study)
    if coords:
        points, bad_points = read_points(coords, study_names(found))
        loaded, remark = load_model(find_model(model)), ""
    else:
        from lss_cli.cli.annotate import clicked_points

        loaded = load_model(find_model(model))
        clicked = clicked_points(found, loaded, conditions)
        points, bad_points = list(clicked.points), clicked.bad_points(found.id)
        remark = clicked.remark
    if save_coords:
        write_points(save_coords, points)
    result = grade_study(found, points, bad_points, loaded, conditions, remark=remark)
    written = ([save_coords] if save_coords else []) + outputs.write(found, result)
    if json == "-":
        typer.echo(to_json(result), nl=False)
    else:
        console = results()
        console.print(to_table(result, console.width))
    for path in written:
        messages().print(f"Written: {path}")
    if not result.complete:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _check_source(coords: Path | None, click: bool, save_coords: Path | None) -> None:
    """Say before the work what does not go together."""
    if coords and click:
        raise UsageError("--coords and --click are two ways to name the points.", todo="Use one.")
    if coords and save_coords:
        raise UsageError(f"--save-coords keeps clicked points; these are in {coords} already.")
    if not coords and not click:
        from lss_cli.annotate.browser import has_screen

        if not has_screen():
            raise UsageError(
                "the points are missing.",
                todo="Name them with --coords FILE, or use --click to set them in a browser.",
            )

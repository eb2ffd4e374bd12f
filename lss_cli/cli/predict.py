"""``lss predict``."""

from pathlib import Path
from typing import Annotated

import typer

from lss_cli.cli.console import messages, results
from lss_cli.cli.options import parse_conditions
from lss_cli.errors import ExitCode


def predict(
    study: Annotated[Path, typer.Argument(help="Folder of one study's DICOM files.")],
    coords: Annotated[
        Path, typer.Option(help="Points: CSV in RSNA's columns, or JSON with the same keys.")
    ],
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
    from lss_cli.grading import grade_study, study_names
    from lss_cli.model.find import find_model
    from lss_cli.model.session import load_model
    from lss_cli.output.json import to_json
    from lss_cli.output.outputs import Outputs
    from lss_cli.output.table import to_table
    from lss_cli.points.table import read_points
    from lss_cli.study.study import read_study

    conditions = parse_conditions(condition or [])
    json_file = Path(json) if json and json != "-" else None
    outputs = Outputs(csv, json_file, html, picture, dicom_sr)
    outputs.check()
    found = read_study(study)
    points, bad_points = read_points(coords, study_names(found))
    result = grade_study(found, points, bad_points, load_model(find_model(model)), conditions)
    written = outputs.write(found, result)
    if json == "-":
        typer.echo(to_json(result), nl=False)
    else:
        results().print(to_table(result))
    for path in written:
        messages().print(f"Written: {path}")
    if not result.complete:
        raise typer.Exit(ExitCode.INCOMPLETE)

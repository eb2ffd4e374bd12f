"""``lss locate``."""

from pathlib import Path
from typing import Annotated

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import Debug, Quiet
from lss_cli.errors import ExitCode, UsageError
from lss_cli.text import printable


def locate(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(help="Folder of one study's DICOM files.")],
    coords_out: Annotated[
        Path | None,
        typer.Option(help="Also write the points to this CSV file, for lss predict --coords."),
    ] = None,
    json: Annotated[
        str | None, typer.Option(help="Also write all to this JSON file; - prints JSON only.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with pictures to this HTML file.")
    ] = None,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Propose the points of one study, from its images alone.

    Discs are counted on the sagittal series, both recesses found on the axial slices that cut them.

    Example: lss locate ./study_123 --coords-out coords.csv
    """
    from lss_cli.files import check_outputs, check_writable, write_text
    from lss_cli.locate.locate import Locators
    from lss_cli.locate.locate import locate as propose
    from lss_cli.output.proposals import to_json, to_table
    from lss_cli.points.table import write_points
    from lss_cli.study.pixels import remember_pixels
    from lss_cli.study.study import read_study
    from lss_cli.tables import check_csv_name

    environment: Environment = context.obj
    json_file = Path(json) if json and json != "-" else None
    check_csv_name(coords_out, "--coords-out")
    outputs = {"--coords-out": coords_out, "--json": json_file, "--html": html}
    for path in filter(None, outputs.values()):
        if path == Path("-"):
            raise UsageError("only --json can print to stdout.", todo="Name a file.")
        check_writable(path)
    check_outputs(outputs, [study])
    dicom_study = read_study(study)
    if environment.debug:
        for file in dicom_study.skipped:
            environment.messages.print(printable(f"Left out: {file.path}, {file.reason}", 500))
    read = remember_pixels()
    proposal = propose(dicom_study, Locators.load(environment.models), read)
    if json == "-":
        environment.stdout.write(to_json(proposal))
    else:
        environment.results.print(to_table(proposal))
    if coords_out:
        write_points(coords_out, [item.point for item in proposal.points])
    if json_file:
        write_text(json_file, to_json(proposal))
    if html:
        from lss_cli.output.proposal_pictures import draw_discs, draw_recesses
        from lss_cli.output.proposals import to_html

        discs = draw_discs(dicom_study, proposal, read)
        recesses = draw_recesses(dicom_study, proposal, read)
        write_text(html, to_html(proposal, discs, recesses))
    for path in filter(None, outputs.values()):
        environment.messages.print(f"Written: {path}")
    if not proposal.complete:
        raise typer.Exit(ExitCode.INCOMPLETE)

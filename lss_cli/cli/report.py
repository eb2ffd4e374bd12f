"""``lss report``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lss_cli.anatomy import Severity
from lss_cli.cli.environment import Environment
from lss_cli.cli.options import (
    ConditionOption,
    Debug,
    ModelOption,
    OverviewOption,
    PagesOption,
    Quiet,
    SchedulerOption,
    StudiesArgument,
    WorkersOption,
)
from lss_cli.cli.progress import show_progress
from lss_cli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from lss_cli.batch.summary import ReportSummary


def report(
    context: typer.Context,
    studies: StudiesArgument,
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    coords: Annotated[
        list[Path] | None,
        typer.Option(
            help="Points of all studies, in RSNA's columns; may be given several times. Without it "
            "points are proposed from the images."
        ),
    ] = None,
    model: ModelOption = "default",
    condition: ConditionOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds that one study may take.")
    ] = 300,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an unfinished report.")
    ] = False,
    html: OverviewOption = None,
    pages: PagesOption = False,
    jsonl: Annotated[Path | None, typer.Option(help="Also write one JSON line per row.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Also write a Parquet file.")] = None,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Grade many studies into one CSV file.

    It has a row for every study and level, graded or not.

    Example: lss report ./studies --coords coords.csv --out report.csv
    """
    from lss_cli.batch.report import ReportRequest, make_report
    from lss_cli.model.find import find_models
    from lss_cli.model.models import Models
    from lss_cli.processors import processors
    from lss_cli.tables import check_csv_name

    environment: Environment = context.obj
    messages = environment.messages
    if pages and not html:
        raise UsageError("--pages needs --html, which links to the pages.")
    check_csv_name(out, "--out")
    if parquet:
        environment.require("lss report --parquet", "pyarrow")
    if scheduler:
        environment.require("lss report --scheduler", "distributed")
    more = {"html": html, "jsonl": jsonl, "parquet": parquet}
    request = ReportRequest(
        studies=tuple(studies),
        coords=tuple(coords or ()),
        out=out,
        conditions=tuple(dict.fromkeys(condition or ())),
        workers=workers or processors(),
        scheduler=scheduler,
        timeout_s=timeout,
        resume=resume,
        more={kind: path for kind, path in more.items() if path},
        pages=pages,
        locators=environment.models,
    )
    try:
        with show_progress(messages) as advance:
            models = Models.load(find_models(model, environment.models))
            summary = make_report(request, models, advance)
    except KeyboardInterrupt:
        messages.print("Interrupted. Go on with the same command and --resume.")
        raise
    print_summary(summary, environment.results)
    for path in (out, *request.more.values()):
        messages.print(f"Written: {path}")
    if not summary.complete:
        raise typer.Exit(ExitCode.INCOMPLETE)


def print_summary(summary: "ReportSummary", console: "Console") -> None:
    """Say in a few lines what became of the studies."""
    from lss_cli.batch.summary import count_grades
    from lss_cli.render.table import plain_table

    grades = count_grades(summary)
    for finding, levels in (grades or {"": {}}).items():
        title = finding if len(grades) > 1 else ""
        table = plain_table("Level", *Severity, numbers=range(1, 4), title=title)
        for level, counts in levels.items():
            table.add_row(level, *(str(counts.get(severity, 0)) for severity in Severity))
        console.print(table)
    rate = summary.done_now / summary.seconds if summary.seconds else 0
    console.print(
        f"{summary.studies} studies, {summary.rows} rows, {sum(summary.reasons.values())} not "
        f"graded, {summary.uncertain} uncertain, {summary.warned} with warnings; "
        f"{rate:.1f} studies per second.",
        soft_wrap=True,
    )
    for reason, count in summary.reasons.items():
        console.print(f"  {count} not graded: {reason}", markup=False, soft_wrap=True)
    if summary.without_folder:
        console.print(f"{summary.without_folder} studies of the table have no folder here.")

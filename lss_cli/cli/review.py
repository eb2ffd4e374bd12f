"""``lss review``."""

from pathlib import Path
from typing import Annotated

import typer

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
from lss_cli.cli.report import print_summary
from lss_cli.errors import ExitCode, UsageError


def review(
    context: typer.Context,
    studies: StudiesArgument,
    out: Annotated[Path, typer.Option(help="CSV file of the report that is written in the end.")],
    coords: Annotated[
        list[Path] | None,
        typer.Option(
            help="Points to begin with, in RSNA's columns; may be given several times. Without "
            "any, points are proposed from the images."
        ),
    ] = None,
    save_coords: Annotated[
        Path | None,
        typer.Option(
            help="CSV file of all points that are set or confirmed.",
            show_default="REPORT.coords.csv beside --out",
        ),
    ] = None,
    model: ModelOption = "default",
    condition: ConditionOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds that grading one study may take.")
    ] = 300,
    html: OverviewOption = None,
    pages: PagesOption = False,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Confirm the points of many studies in the browser, then grade them.

    Every change is kept at once. The same command goes on where it ended.

    Example: lss review ./studies --out report.csv
    """
    from lss_cli.batch.report import ReportRequest
    from lss_cli.model.find import find_models
    from lss_cli.model.models import Models
    from lss_cli.processors import processors
    from lss_cli.review.review import ReviewRequest
    from lss_cli.review.review import review as review_studies
    from lss_cli.tables import check_csv_name

    environment: Environment = context.obj
    messages = environment.messages
    if pages and not html:
        raise UsageError("--pages needs --html, which links to the pages.")
    check_csv_name(out, "--out")
    check_csv_name(save_coords, "--save-coords")
    if scheduler:
        environment.require("lss review --scheduler", "distributed")
    report = ReportRequest(
        studies=tuple(studies),
        coords=tuple(coords or ()),
        out=out,
        conditions=tuple(dict.fromkeys(condition or ())),
        workers=workers or processors(),
        scheduler=scheduler,
        timeout_s=timeout,
        more={"html": html} if html else {},
        pages=pages,
        locators=environment.models,
    )
    request = ReviewRequest(report, save_coords or out.with_suffix(".coords.csv"))
    loaded = Models.load(find_models(model, environment.models))
    try:
        with show_progress(messages) as advance:
            summary = review_studies(
                request,
                loaded,
                # Also under --quiet: without the link there is nothing to be done.
                lambda text: print(text, file=environment.stderr, flush=True),
                environment.open_browser,
                advance,
            )
    except KeyboardInterrupt:
        messages.print("Interrupted, nothing is lost. Go on with the same command.")
        raise
    if summary is None:
        messages.print("Nothing is confirmed, so there is no report. Go on with the same command.")
        raise typer.Exit(ExitCode.INCOMPLETE)
    print_summary(summary, environment.results)
    for path in (out, *report.more.values(), request.coords):
        messages.print(f"Written: {path}")
    if not summary.complete:
        raise typer.Exit(ExitCode.INCOMPLETE)

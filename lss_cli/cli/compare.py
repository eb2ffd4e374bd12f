"""``lss compare``."""

from pathlib import Path
from typing import Annotated

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import (
    PREPARED,
    BetaOption,
    Debug,
    EvaluationDataOption,
    GradeWeightsOption,
    Quiet,
    ResamplesOption,
    SeedOption,
    SplitOption,
    parse_grade_weights,
)


def compare(
    context: typer.Context,
    networks: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Run folders; also predictions (.csv) and models (.onnx, names)."
        ),
    ],
    csv: Annotated[Path | None, typer.Option(help="Also write the table to this CSV file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write it to this HTML page.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Also write it to this Markdown file.")
    ] = None,
    data: EvaluationDataOption = PREPARED,
    split: SplitOption = "test",
    tilted: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN",
            help="One whose probabilities are multiplied by 1, 2, 4, as in a submission; undo "
            "that. May be given several times.",
        ),
    ] = None,
    grade_weights: GradeWeightsOption = None,
    beta: BetaOption = 2.0,
    resamples: ResamplesOption = 1000,
    seed: SeedOption = 0,
    _quiet: Quiet = False,
    _debug: Debug = False,
) -> None:
    """Put networks side by side in one table.

    Example: lss compare runs/custom runs/mobilenet --html comparison.html
    """
    from lss_cli.dataset.prepared import files_of
    from lss_cli.evaluation.comparison import compare as run
    from lss_cli.evaluation.evaluation import EvaluationSettings
    from lss_cli.evaluation.presentation.comparison import to_csv, to_html, to_markdown, to_table
    from lss_cli.evaluation.sources import files_of as network_files
    from lss_cli.evaluation.sources import open_networks
    from lss_cli.files import check_outputs, check_writable, write_text

    environment: Environment = context.obj
    rule = parse_grade_weights(grade_weights) if grade_weights else None
    targets = ((csv, to_csv), (html, to_html), (markdown, to_markdown))
    wanted = [(path, render) for path, render in targets if path]
    for path, _ in wanted:
        check_writable(path)
    reads = [*files_of(data), *(path for name in networks for path in network_files(name))]
    check_outputs({"--csv": csv, "--html": html, "--markdown": markdown}, reads)
    comparison = run(
        open_networks(networks, data, split, tilted or ()),
        EvaluationSettings(split, beta, resamples, seed),
        rule,
    )
    environment.results.print(to_table(comparison))
    for path, render in wanted:
        write_text(path, render(comparison))
        environment.messages.print(f"Written: {path}")

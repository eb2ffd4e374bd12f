"""``lss doctor``."""

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import Debug, Quiet
from lss_cli.errors import ExitCode


def doctor(context: typer.Context, _quiet: Quiet = False, _debug: Debug = False) -> None:
    """Check the installation.

    Versions, decoders, CPU or GPU, the shipped model; what is missing, and how to get it.

    Example: lss doctor
    """
    from lss_cli.diagnosis import diagnose

    environment: Environment = context.obj
    findings = diagnose(environment.models, environment.is_installed)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        sign = "ok     " if finding.good else "MISSING"
        line = f"{sign} {finding.name:<{width}}  {finding.text}"
        environment.results.print(line, markup=False, soft_wrap=True)
    if not all(finding.good or finding.optional for finding in findings):
        raise typer.Exit(ExitCode.UNUSABLE_INPUT)

"""``lss doctor``."""

import typer

from lss_cli.cli.console import results
from lss_cli.errors import ExitCode


def doctor() -> None:
    """Check the installation.

    Versions, decoders, CPU or GPU, the shipped model; what is missing, and how to get it.

    Example: lss doctor
    """
    from lss_cli.diagnosis import diagnose

    findings = diagnose()
    width = max(len(one.name) for one in findings)
    for one in findings:
        sign = "ok     " if one.good else "MISSING"
        results().print(f"{sign} {one.name:<{width}}  {one.text}", markup=False, soft_wrap=True)
    if not all(one.good or one.optional for one in findings):
        raise typer.Exit(ExitCode.UNUSABLE_INPUT)

"""``lss models``."""

import typer

from lss_cli.cli.environment import Environment
from lss_cli.cli.options import Debug, Quiet


def models(context: typer.Context, _quiet: Quiet = False, _debug: Debug = False) -> None:
    """List the models at hand, with their cards' key figures.

    Example: lss models
    """
    from lss_cli.model.find import shipped_models
    from lss_cli.model.session import load_model
    from lss_cli.text import join_words, printable

    environment: Environment = context.obj
    console = environment.results
    for name, path in shipped_models(environment.models).items():
        metadata = load_model(path).metadata
        facts = {
            "grades": join_words(metadata.conditions),
            "trained on": metadata.training.get("summary", ""),
            "held-out figures": ", ".join(
                f"{key} {value:.3f}" for key, value in metadata.key_figures.items()
            ),
            "grade": metadata.rule.text,
            "licence": metadata.licence,
        }
        console.print(printable(name), style="bold", markup=False, soft_wrap=True)
        for key, text in facts.items():
            console.print(f"  {key}: {printable(text, 1000)}", markup=False, soft_wrap=True)
    console.print(f"Cards: {environment.models}", markup=False, soft_wrap=True)

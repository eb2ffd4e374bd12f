"""``lss models``."""

from lss_cli.cli.console import results


def models() -> None:
    """List the models at hand, with their cards' key figures.

    Example: lss models
    """
    from lss_cli.model.find import models_folder, shipped_models
    from lss_cli.model.session import load_model
    from lss_cli.text import join_words, printable

    console = results()
    for name, path in shipped_models().items():
        metadata = load_model(path).metadata
        facts = {
            "grades": join_words(metadata.conditions),
            "trained on": metadata.training.get("summary", ""),
            "held-out figures": ", ".join(
                f"{key} {value:.3f}" for key, value in metadata.key_figures.items()
            ),
            "licence": metadata.licence,
        }
        console.print(printable(name), style="bold", markup=False, soft_wrap=True)
        for key, text in facts.items():
            console.print(f"  {key}: {printable(text, 1000)}", markup=False, soft_wrap=True)
    console.print(f"Cards: {models_folder()}", markup=False, soft_wrap=True)

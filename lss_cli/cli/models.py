"""``lss models``."""

from lss_cli.cli.console import results


def models() -> None:
    """List the models at hand, with their cards' key figures.

    Example: lss models
    """
    from rich.table import Table

    from lss_cli.anatomy import listed
    from lss_cli.model.find import models_folder, shipped_models
    from lss_cli.model.session import load_model
    from lss_cli.text import printable

    table = Table("Model", "Grades", "Trained on", "Held-out figures", "Licence")
    for name, path in shipped_models().items():
        metadata = load_model(path).metadata
        figures = [f"{key} {value:.3f}" for key, value in metadata.key_figures.items()]
        table.add_row(
            name,
            listed(metadata.conditions),
            printable(metadata.training.get("summary", ""), 200),
            ", ".join(figures),
            printable(metadata.licence, 200),
        )
    results().print(table)
    results().print(f"Cards: {models_folder()}")

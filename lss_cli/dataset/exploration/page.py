"""``figures/``: the figures of prepared data, and one page that shows them with their counts."""

from pathlib import Path

from lss_cli.dataset.exploration.counts import Exploration
from lss_cli.dataset.prepared import FIGURES, Prepared
from lss_cli.files import make_folder, write_text
from lss_cli.render.page import render_page

PAGE = "index.html"


def write_figures(exploration: Exploration, data: Prepared | None, out: Path) -> None:
    """Draw all figures into ``out/figures``, and write the page that shows them.

    Args:
        exploration: The counts.
        data: Model inputs, if there are any.
        out: The folder of the prepared data.
    """
    from lss_cli.dataset.exploration.figures import draw_all

    remove_figures(out)
    folder = make_folder(out / FIGURES)
    topics = exploration.topics()
    figures = [
        {
            "name": name,
            "title": title,
            "topics": [topic for topic in topics if topic.name.startswith(name)],
        }
        for name, title in draw_all(exploration, data, folder)
    ]
    write_text(folder / PAGE, render_page("prepared.html", figures=figures))


def remove_figures(out: Path) -> None:
    """Take away the figures of earlier data, and nothing else."""
    for path in (out / FIGURES).glob("*"):
        if path.name == PAGE or path.suffix in {".png", ".svg"}:
            path.unlink()

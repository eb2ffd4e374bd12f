"""``figures/``: the figures, and one page that shows them with their counts."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from lss_cli.dataset.exploration.counts import Exploration, Topic
from lss_cli.dataset.prepared import Prepared
from lss_cli.files import make_folder, write_text

FIGURES = "figures"
PAGE = "index.html"

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 1rem; }
caption { text-align: left; color: #555; }
th, td { padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child { text-align: left; font-weight: normal; }
thead th { border-bottom: 2px solid #555; font-weight: bold; }
img { max-width: 100%; height: auto; }
"""


def write_figures(found: Exploration, data: Prepared | None, out: Path) -> None:
    """Draw all figures into ``out/figures``, and write the page that shows them.

    Args:
        found: The counts.
        data: Model inputs, if there are any.
        out: The folder of the prepared data.
    """
    from lss_cli.dataset.exploration.figures import draw_all

    remove_figures(out)
    folder = make_folder(out / FIGURES)
    drawn = draw_all(found, data, folder)
    write_text(folder / PAGE, _page(drawn, found.topics()))


def remove_figures(out: Path) -> None:
    """Take away the figures of earlier data, and nothing else."""
    for path in (out / FIGURES).glob("*"):
        if path.name == PAGE or path.suffix in {".png", ".svg"}:
            path.unlink()


def _page(drawn: Sequence[tuple[str, str]], topics: Sequence[Topic]) -> str:
    parts = ["<h1>What is in the prepared data</h1>"]
    for name, title in drawn:
        parts += [
            f"<h2>{escape(title)}</h2>",
            f'<a href="{name}.svg"><img src="{name}.png" alt="{escape(title)}"></a>',
            *(_table(topic) for topic in topics if topic.name.startswith(name)),
        ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Prepared data</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _table(topic: Topic) -> str:
    head = _line("th", ["", *map(str, topic.table.columns)])
    body = "\n".join(_line("td", row) for row in topic.rows)
    return (
        f'<div class="wide"><table><caption>{escape(topic.title)}</caption>\n'
        f"<thead>{head}</thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _line(tag: str, cells: Iterable[str]) -> str:
    first, *rest = map(escape, cells)
    return f"<tr><th>{first}</th>{''.join(f'<{tag}>{one}</{tag}>' for one in rest)}</tr>"

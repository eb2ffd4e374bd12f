"""How plots look: one style, colours that can be told apart without colour vision, PNG and SVG."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

from lss_cli.files import replacing

# Okabe and Ito, "Color Universal Design", 2008.
BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, VERMILION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
GREY, PALE = "#6b6b6b", "#B8C4CE"

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.prop_cycle": cycler(color=[BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
    "savefig.dpi": 150,
    # Names are text, whatever signs they hold.
    "text.parse_math": False,
    # The same data give the same file.
    "svg.hashsalt": "lss",
}


def style() -> AbstractContextManager[None]:
    """What is drawn in this context has the one style."""
    return mpl.rc_context(STYLE)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write ``NAME.png`` and ``NAME.svg``, the same bytes each time.

    Raises:
        OutputError: They cannot be written.
    """
    with style():
        for suffix, metadata in ((".png", None), (".svg", {"Date": None})):
            with replacing(folder / f"{name}{suffix}") as file:
                figure.savefig(file, metadata=metadata)

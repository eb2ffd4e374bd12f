"""What is installed and works here."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lss_cli import __version__
from lss_cli.errors import LssError
from lss_cli.model.find import DEFAULT_MODEL, find_model
from lss_cli.model.session import load_model
from lss_cli.text import printable

PACKAGES = ("numpy", "pandas", "pydicom", "pillow", "typer", "rich")

DECODERS = {
    "RLE Lossless": ("pydicom", ""),
    "JPEG, JPEG Lossless": ("gdcm", "pip install python-gdcm"),
    "JPEG-LS": ("jpeg_ls", "pip install pyjpegls"),
    "JPEG 2000": ("openjpeg", "pip install pylibjpeg-openjpeg"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        good: It is there and works.
        text: What was found, or how to get what is missing.
        optional: Grading works without it.
    """

    name: str
    good: bool
    text: str
    optional: bool = False


def diagnose(models: Path, is_installed: Callable[[str], bool]) -> list[Finding]:
    """Look at versions, decoders, the inference device, the shipped model and the extras.

    Args:
        models: Folder of the shipped models.
        is_installed: Whether a module could be imported.
    """
    return [
        Finding("lss", True, f"{__version__}, Python {platform.python_version()}"),
        *(_package(name) for name in PACKAGES),
        *_decoders(is_installed),
        _model(models),
        _training(is_installed),
    ]


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, f"pip install {name}")


def _decoders(is_installed: Callable[[str], bool]) -> Iterator[Finding]:
    for syntax, (module, install) in DECODERS.items():
        good = is_installed(module)
        yield Finding(f"decoder for {syntax}", good, module if good else install)


def _model(models: Path) -> Finding:
    try:
        model = load_model(find_model(DEFAULT_MODEL, models))
    except LssError as error:
        return Finding("shipped model", False, str(error))
    return Finding(
        "shipped model",
        True,
        f"{printable(model.metadata.name)} {model.sha256[:12]}, {model.device}",
    )


def _training(is_installed: Callable[[str], bool]) -> Finding:
    if not is_installed("tensorflow"):
        return Finding("training", False, "pip install 'lss-cli[train]'", optional=True)
    return Finding("training", True, f"tensorflow {version('tensorflow')}", optional=True)

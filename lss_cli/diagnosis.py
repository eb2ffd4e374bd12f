"""What is installed and works here."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lss_cli import __version__
from lss_cli.errors import LssError
from lss_cli.extras import DISTRIBUTIONS, EXTRAS, RUNTIME, install_extra, install_package
from lss_cli.model.find import DEFAULT_MODEL, find_models
from lss_cli.model.session import load_model
from lss_cli.text import join_words, printable

# All that is installed with lss, beside decoders and what runs models.
PACKAGES = (
    "numpy",
    "pandas",
    "pydicom",
    "highdicom",
    "pillow",
    "typer",
    "rich",
    "pydantic",
    "jinja2",
    "starlette",
    "uvicorn",
    "pylibjpeg",
)

DECODERS = {
    "RLE Lossless": ("pydicom", "pydicom"),
    "JPEG, JPEG Lossless": ("gdcm", "python-gdcm"),
    "JPEG-LS": ("jpeg_ls", "pyjpegls"),
    "JPEG 2000": ("openjpeg", "pylibjpeg-openjpeg"),
}

# What each extra is for.
PURPOSES = {"train": "training", "cluster": "reports on a cluster", "parquet": "Parquet files"}


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
        _runtime(),
        *_decoders(is_installed),
        *_models(models),
        *(_extra(extra, is_installed) for extra in PURPOSES),
    ]


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, install_package(name))


def _runtime() -> Finding:
    """One of two packages that must not be there together."""
    findings = [_package(name) for name in ("onnxruntime-gpu", "onnxruntime")]
    return next((finding for finding in findings if finding.good), _package(RUNTIME))


def _decoders(is_installed: Callable[[str], bool]) -> Iterator[Finding]:
    for syntax, (module, package) in DECODERS.items():
        good = is_installed(module)
        text = f"{package} {version(package)}" if good else install_package(package)
        yield Finding(f"decoder for {syntax}", good, text)


def _models(models: Path) -> Iterator[Finding]:
    """What grades unless told otherwise; without `DEFAULT_MODEL` nothing does."""
    try:
        files = find_models(DEFAULT_MODEL, models)
    except LssError as error:
        yield Finding("shipped model", False, str(error))
        return
    for path in files:
        try:
            model = load_model(path)
        except LssError as error:
            yield Finding("shipped model", False, str(error))
            continue
        places = join_words(condition.place for condition in model.metadata.conditions)
        text = f"{printable(model.metadata.name)} {model.sha256[:12]}, {places}, {model.device}"
        yield Finding("shipped model", True, text)


def _extra(extra: str, is_installed: Callable[[str], bool]) -> Finding:
    modules = [module for module, (_, brings) in EXTRAS.items() if brings == extra]
    missing = [_package_of(module) for module in modules if not is_installed(module)]
    if missing:
        text = f"without {', '.join(missing)}: {install_extra(extra)}"
        return Finding(PURPOSES[extra], False, text, optional=True)
    text = ", ".join(f"{name} {version(name)}" for name in map(_package_of, modules))
    return Finding(PURPOSES[extra], True, text, optional=True)


def _package_of(module: str) -> str:
    return DISTRIBUTIONS.get(module, module)

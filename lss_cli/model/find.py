"""The models at hand."""

import contextlib
from pathlib import Path

import lss_cli
from lss_cli.errors import ModelError
from lss_cli.text import join_words, printable, suggest

DEFAULT_MODEL = "default"
# What grades together where no other model is asked for, as far as it is shipped.
TOGETHER = (DEFAULT_MODEL, "canal")
# What the files of the locator begin with; they are no graders.
LOCATOR_PREFIX = "locate-"


def models_folder() -> Path:
    """Where the shipped models lie: package data in a wheel, beside the package in a checkout."""
    package = Path(lss_cli.__file__).parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def shipped_models(folder: Path | None = None) -> dict[str, Path]:
    """The shipped graders by name; of `folder` instead of `models_folder`, if given."""
    return {
        path.stem: path
        for path in sorted((folder or models_folder()).glob("*.onnx"))
        if not path.name.startswith(LOCATOR_PREFIX)
    }


def find_locator(kind: str, folder: Path | None = None) -> Path:
    """The file of the shipped locator of a kind, ``sagittal`` or ``axial``.

    Args:
        kind: What it looks at.
        folder: Of the shipped models; `models_folder` unless told otherwise.

    Raises:
        ModelError: It was not shipped.
    """
    path = (folder or models_folder()) / f"{LOCATOR_PREFIX}{kind}.onnx"
    if not path.is_file():
        raise ModelError(
            f"there is no model that finds points on {kind} pictures.",
            where=str(path),
            todo="Install lss again, or give the points with --coords or --click.",
        )
    return path


def find_models(name: str, folder: Path | None = None) -> list[Path]:
    """The files of what grades by a name: of `DEFAULT_MODEL`, all that grade together with it.

    Args:
        name: As of `find_model`.
        folder: As there.

    Raises:
        ModelError: There is no such model.
    """
    shipped = shipped_models(folder)
    first = find_model(name, folder)
    if name != DEFAULT_MODEL or first != shipped.get(name):
        return [first]
    return [shipped[member] for member in TOGETHER if member in shipped]


def find_model(name: str, folder: Path | None = None) -> Path:
    """A model's file: `name` is the name of a shipped model or the path of an ``.onnx`` file.

    Args:
        name: Of a model in `folder`, or a path.
        folder: Of the shipped models; `models_folder` unless told otherwise.

    Raises:
        ModelError: There is no such model; the message lists those that there are.
    """
    shipped = shipped_models(folder)
    if name in shipped:
        return shipped[name]
    path = Path(name)
    # A name that is too long for any file is an error of the system's, not False.
    with contextlib.suppress(OSError):
        if path.is_file():
            return path
    todo = f"Shipped models: {join_words(shipped)}." if shipped else "No models are shipped here."
    raise ModelError(f"there is no model {printable(name)!r}.{suggest(name, shipped)}", todo=todo)

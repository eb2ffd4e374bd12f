"""Optional packages: whether they are installed, and how to get them."""

import importlib.util
import json
import platform
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from lss_cli.errors import MissingExtraError

OURS = "lss-cli"

# What runs models on this machine, as pyproject.toml has it.
GPU = {("linux", "x86_64"), ("win32", "AMD64")}
RUNTIME = "onnxruntime-gpu" if (sys.platform, platform.machine()) in GPU else "onnxruntime"

# By the module that is imported: what people call it, and the extra that brings it.
EXTRAS = {
    "tensorflow": ("TensorFlow", "train"),
    "keras": ("Keras", "train"),
    "tf2onnx": ("tf2onnx", "train"),
    "onnx": ("onnx", "train"),
    "matplotlib": ("matplotlib", "train"),
    "sklearn": ("scikit-learn", "train"),
    "optuna": ("Optuna", "train"),
    "tensorboard": ("TensorBoard", "train"),
    "tomli_w": ("tomli-w", "train"),
    "distributed": ("Dask", "cluster"),
    "pyarrow": ("pyarrow", "parquet"),
    "pynetdicom": ("pynetdicom", "node"),
}

# Of modules that come in a package of another name.
DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def is_installed(package: str) -> bool:
    """Whether `package` could be imported; it is not."""
    return importlib.util.find_spec(package) is not None


def require(
    command: str, *packages: str, is_installed: Callable[[str], bool] = is_installed
) -> None:
    """Check that optional packages are installed, without importing them.

    Args:
        command: What needs them, such as ``lss train``.
        packages: Names of `EXTRAS`.
        is_installed: Answers for one package.

    Raises:
        MissingExtraError: A package is missing; says how to install it.
    """
    for package in packages:
        if not is_installed(package):
            name, extra = EXTRAS[package]
            raise MissingExtraError(command, name, install_extra(extra))


def install_extra(extra: str) -> str:
    """The command that adds an extra to this very installation, from where it came.

    It goes by what the installer wrote down: PEP 610, and the files of pipx and uv.
    """
    source = _source(extra)
    if _is_of("pipx_metadata.json"):
        return f"pipx install --force {_join(*source)}"
    if _is_of("uv-receipt.toml"):
        return f"uv tool install --force {_join(*source)}"
    return f"{_pip()} {_join(*source)}"


def install_package(package: str) -> str:
    """The command that adds a package to this very installation."""
    if _is_of("pipx_metadata.json"):
        return f"pipx inject {OURS} {_join(package)}"
    if _is_of("uv-receipt.toml"):
        return f"uv tool install --force --with {_join(package, *_source())}"
    return f"{_pip()} {_join(package)}"


def _source(extra: str = "") -> list[str]:
    """What an installer has to be told to get `lss` again, with an extra."""
    # Here, since every command would wait for them.
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    extras = f"[{extra}]" if extra else ""
    checkout = Path(__file__).parents[1]
    try:
        ours = distribution(OURS)
        url = json.loads(ours.read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        # Run from its folder, without an installation.
        url = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
        if not (checkout / "pyproject.toml").is_file():
            return [OURS + extras]
    except ValueError:
        return [OURS + extras]
    address = url.get("url", "")
    if not address:
        return [OURS + extras]
    if address.startswith("file:"):
        path = url2pathname(urlsplit(address).path)
        if not Path(path).exists():
            # What it was installed from is gone, but what the extra brings is known.
            return _requirements(extra) or [OURS + extras]
        editable = url.get("dir_info", {}).get("editable")
        return [*(["--editable"] if editable else []), path + extras]
    vcs = url.get("vcs_info", {})
    if vcs:
        address = f"{vcs.get('vcs', 'git')}+{address}@{vcs.get('commit_id', '')}".rstrip("@")
    return [f"{OURS}{extras} @ {address}"]


def _requirements(extra: str) -> list[str]:
    """The packages of an extra, as the installation describes them."""
    from importlib.metadata import requires

    split = (line.partition(";") for line in requires(OURS) or ())
    return [
        name.strip()
        for name, _, marker in split
        if extra and marker.replace('"', "'").strip() == f"extra == '{extra}'"
    ]


def _is_of(file: str) -> bool:
    """Whether a tool that keeps programs apart made this environment, and left its file."""
    return Path(sys.prefix, file).is_file()


def _pip() -> str:
    """The pip of this environment; where it has none, that of uv, which made it so."""
    if is_installed("pip"):
        return f"{_join(sys.executable)} -m pip install"
    return f"uv pip install --python {_join(sys.executable)}"


def _join(*words: str) -> str:
    """Words as the system's shell takes them."""
    if sys.platform == "win32":
        return " ".join(f'"{word}"' if set(word) & set(" []<>=@&") else word for word in words)
    return shlex.join(words)

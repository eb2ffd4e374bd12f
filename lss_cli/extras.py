"""Optional packages: whether they are installed, and how to get them."""

import importlib.util
from collections.abc import Callable

from lss_cli.errors import MissingExtraError

# By the module that is imported: what people call it, and the extra that brings it.
EXTRAS = {
    "tensorflow": ("TensorFlow", "train"),
    "keras": ("Keras", "train"),
    "tf2onnx": ("tf2onnx", "train"),
    "onnx": ("onnx", "train"),
    "matplotlib": ("matplotlib", "train"),
    "optuna": ("Optuna", "train"),
    "distributed": ("Dask", "cluster"),
    "pyarrow": ("pyarrow", "parquet"),
}


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
            raise MissingExtraError(command, *EXTRAS[package])

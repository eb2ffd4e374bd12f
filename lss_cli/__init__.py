"""Grades lumbar subarticular stenosis from axial T2 MRI, given one point per disc level."""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"
__all__ = ["grade", "load_model", "load_models", "read_points", "read_study"]

if TYPE_CHECKING:
    from lss_cli.api import grade, load_model, load_models, read_points, read_study
else:

    def __getattr__(name: str) -> object:
        """Load the public face when it is first used (PEP 562): commands start without it."""
        if name in __all__:
            return getattr(import_module("lss_cli.api"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

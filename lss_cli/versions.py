"""Versions of the program, of Python and of packages."""

import platform
from collections.abc import Sequence
from importlib.metadata import version

from lss_cli import __version__


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of the program, of Python and of `packages`."""
    own = {"lss-cli": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in packages}

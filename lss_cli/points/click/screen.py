"""Is there a screen?"""

import os
import sys


def has_screen() -> bool:
    """Whether a browser opened here would be seen by the person who runs the command."""
    if "SSH_CONNECTION" in os.environ and "DISPLAY" not in os.environ:
        return False
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

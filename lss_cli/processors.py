"""How many processors there are for this process: the default of every ``--workers``."""

import os


def processors() -> int:
    """How many this process may use, which a scheduler or container may have limited."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1

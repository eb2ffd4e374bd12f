"""Stands for the process that trains a fold: counts to twenty in a file, twice a second."""

import os
import time
from pathlib import Path

from lss_cli.child import serve, tell_parent


def count(job):
    path = Path(job["file"])
    done = path.read_text().split() if path.exists() else []
    for number in range(len(done), 20):
        time.sleep(0.5)
        with path.open("a") as file:
            file.write(f"{number}:{os.getpid()} ")
        tell_parent({"fold": job["fold"], "number": number})
    return {}, b""


if __name__ == "__main__":
    serve(lambda: count)

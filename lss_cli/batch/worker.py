"""A process that grades studies: jobs come in, rows go out.

    python -m lss_cli.batch.worker MODEL SHA256 [MODEL SHA256 …]

A process of its own, since a damaged file may crash or hang a decoder.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lss_cli.batch.job import GradingJob, Row, failed_rows, grade_job
from lss_cli.child import Answer, serve
from lss_cli.errors import ModelError
from lss_cli.model.models import Models

# A study of the largest slices takes a third of this, a real one some 200 MB.
MEMORY_BYTES = 2**32


def _begin() -> Callable[[Any], Answer]:
    files, hashes = sys.argv[1::2], sys.argv[2::2]
    # Several workers share the processor; each keeps to one core.
    models = Models.load(map(Path, files), threads=1)
    for model, sha256 in zip(models.members, hashes, strict=True):
        if model.sha256 != sha256:
            raise ModelError(f"{model.path} has changed.")
    return lambda request: ({"rows": _rows(GradingJob.from_json(request), models)}, b"")


def _rows(job: GradingJob, models: Models) -> list[Row]:
    try:
        return grade_job(job, models)
    except Exception as error:
        # A fault of ours must not cost the other studies; its place is all that can be told.
        reason = f"a fault in lss ({type(error).__name__}); grade this study with --debug."
        return failed_rows(job, reason, models.cards)


if __name__ == "__main__":
    serve(_begin, MEMORY_BYTES)

"""A process that grades studies: jobs come in, rows go out.

    python -m lss_cli.batch.worker MODEL SHA256

A process of its own, since a damaged file may crash or hang a decoder.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lss_cli.batch.job import GradingJob, Row, failed_rows, grade_job
from lss_cli.child import Answer, serve
from lss_cli.errors import ModelError
from lss_cli.model.session import Model, load_model

# A study of the largest slices takes a third of this, a real one some 200 MB.
MEMORY_BYTES = 2**32


def _begin() -> Callable[[Any], Answer]:
    path, sha256 = sys.argv[1:]
    # Several workers share the processor; each keeps to one core.
    model = load_model(Path(path), threads=1)
    if model.sha256 != sha256:
        raise ModelError(f"{path} has changed.")
    return lambda request: ({"rows": _rows(GradingJob.from_json(request), model)}, b"")


def _rows(job: GradingJob, model: Model) -> list[Row]:
    try:
        return grade_job(job, model)
    except Exception as error:
        # A fault of ours must not cost the other studies; its place is all that can be told.
        reason = f"a fault in lss ({type(error).__name__}); grade this study with --debug."
        return failed_rows(job, reason, model.card)


if __name__ == "__main__":
    serve(_begin, MEMORY_BYTES)

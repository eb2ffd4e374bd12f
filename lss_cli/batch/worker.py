"""A process that grades studies: jobs come in on stdin as JSON lines, rows go out on stdout.

    python -m lss_cli.batch.worker MODEL SHA256

A process of its own, since a damaged file may crash or hang a decoder; lines of JSON, since
nothing that comes from outside is ever unpickled.
"""

import json
import os
import sys
from pathlib import Path
from typing import TextIO

from lss_cli.batch.job import GradingJob, failed_rows, grade_job
from lss_cli.errors import LssError
from lss_cli.model.session import Model, load_model


def main() -> None:
    """Serve until stdin ends."""
    answers = _own_stdout()
    path, sha256 = sys.argv[1:]
    try:
        # Several workers share the processor; each keeps to one core.
        model = load_model(Path(path), threads=1)
    except LssError as error:
        print(json.dumps({"fault": str(error)}), file=answers)
        return
    if model.sha256 != sha256:
        print(json.dumps({"fault": f"{path} has changed."}), file=answers)
        return
    # Loading takes time that is not the first study's.
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        print(
            json.dumps({"rows": _rows(GradingJob.from_json(json.loads(line)), model)}), file=answers
        )


def _rows(job: GradingJob, model: Model) -> list[object]:
    try:
        return list(grade_job(job, model))
    except Exception as error:
        # A fault of ours must not cost the other studies; its place is all that can be told.
        reason = f"a fault in lss ({type(error).__name__}); grade this study with --debug."
        return list(failed_rows(job, reason, model.card))


def _own_stdout() -> TextIO:
    """Stdout for answers alone; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()

"""A process that trains folds: jobs come in, progress and what is wrong go out.

python -m lss_cli.training.fold_worker
"""

import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lss_cli.child import Answer, serve, tell_parent
from lss_cli.dataset.prepared import Prepared
from lss_cli.errors import DataError, LssError
from lss_cli.evaluation.sources import STATE
from lss_cli.training.backend import load_backend

SHARED = "Keep --data and --out on a file system that all machines share, under the same paths."


def _train(job: dict[str, Any]) -> None:
    folder, out = Path(job["data"]), Path(job["out"])
    for path, what in ((folder, "the prepared data are"), (out / STATE, "the run folder is")):
        if not path.is_dir():
            raise DataError(f"{what} not here.", where=str(path), todo=SHARED)
    data = Prepared.open(folder)
    if data.report["fingerprint"] != job["fingerprint"]:
        raise DataError("these are other prepared data.", where=str(folder), todo=SHARED)
    load_backend()
    from lss_cli.training.crossval import train_fold
    from lss_cli.training.fit import TrainingProgress
    from lss_cli.training.options import TrainingOptions
    from lss_cli.training.run import program_versions

    here = program_versions()
    if differing := [
        f"{name} {here.get(name)}, not {version}"
        for name, version in job["versions"].items()
        if here.get(name) != version
    ]:
        raise DataError(
            f"this machine would train another network: it has {'; '.join(differing)}.",
            todo="Have the same versions on all machines.",
        )

    def tell(progress: TrainingProgress) -> None:
        if progress.epoch:
            tell_parent(asdict(progress))

    options = TrainingOptions.from_mapping(job["options"], "options")
    more = {name: job[name] for name in ("tensorboard", "command")}
    train_fold(data, job["fold"], out, options, tell, **more)


def _answer(job: dict[str, Any]) -> Answer:
    try:
        _train(job)
    except LssError as error:
        where = f"{platform.node()}: {error.where}" if error.where else platform.node()
        return {"what": error.what, "where": where, "todo": error.todo}, b""
    return {}, b""


if __name__ == "__main__":
    serve(lambda: _answer)

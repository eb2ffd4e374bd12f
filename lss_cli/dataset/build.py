"""Model inputs of all studies: what is there already is kept, the rest is made."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lss_cli.dataset.inputs import InputRequest
from lss_cli.dataset.pool import Job, run_all
from lss_cli.dataset.sources.base import Source
from lss_cli.dataset.store import (
    Entry,
    Result,
    Store,
    Task,
    Writer,
    no_space,
    plan_key,
    stored,
    write_images,
)
from lss_cli.model.spec import InputSpec

INPUTS = "inputs"
"""The finished store."""
COORDS = "coords.npy"
UNFINISHED = ".lss-inputs-"
"""Begin of the name of a store that is not finished yet."""

Progress = Callable[[int, int], None]


def build_inputs(
    out: Path,
    source: Source,
    requests: Mapping[str, Sequence[InputRequest]],
    spec: InputSpec,
    *,
    versions: Mapping[str, str],
    workers: int = 1,
    progress: Progress,
) -> list[Result]:
    """Fill ``out/inputs`` with the model inputs of all studies.

    Inputs of the same files, points, specification and versions are taken from what an earlier
    run left in `out`, finished or not; only what is missing is read from the source.

    Args:
        out: Folder of the prepared data.
        source: Where the slices come from.
        requests: What to make, by study; positions in the arrays follow this order.
        spec: How.
        versions: Of what else the inputs depend on.
        workers: Processes.
        progress: Called with the studies done and their number.

    Returns:
        What became of each input, by position.

    Raises:
        DataError: A worker process died.
        OutputError: The disk is full.
    """
    tasks = _tasks(source, requests)
    plan = plan_key(tasks, spec, versions)
    finished = Store.find(out / INPUTS)
    if finished and finished.plan == plan:
        results = _results(finished.entries)
        progress(len(tasks), len(tasks))
    else:
        count = sum(len(task.requests) for task in tasks)
        try:
            writer = Writer(out / f"{UNFINISHED}{plan[:16]}", plan, spec, versions, count)
            _fill(writer, tasks, Job(source, spec, writer.folder), workers, progress)
            results = _results(writer.entries)
            _write_coords(writer.folder, results)
        except OSError as error:
            raise no_space(error, out) from error
        # A folder is renamed at once: array and ledger fit together at every moment.
        shutil.rmtree(out / INPUTS, ignore_errors=True)
        writer.folder.rename(out / INPUTS)
    for rest in out.glob(f"{UNFINISHED}*"):
        shutil.rmtree(rest)
    return results


def _results(entries: Mapping[str, Entry]) -> list[Result]:
    return [result for entry in entries.values() for result in entry.results.values()]


def _tasks(source: Source, requests: Mapping[str, Sequence[InputRequest]]) -> list[Task]:
    tasks, first = [], 0
    for study, wanted in requests.items():
        files = source.files_key(study, {request.point.series_id for request in wanted})
        tasks.append(Task(study, files, dict(enumerate(wanted, start=first))))
        first += len(wanted)
    return tasks


def _fill(
    writer: Writer, tasks: Sequence[Task], job: Job, workers: int, progress: Progress
) -> None:
    for folder in _others(writer.folder):
        store = Store.find(folder)
        if store and store.basis == writer.basis:
            _take_over(store if folder.name == INPUTS else store.checked(), writer, tasks)
    missing = [one for task in tasks if (one := _missing(task, writer)).requests]
    done = len(tasks) - len(missing)
    progress(done, len(tasks))
    for entry in run_all(job, missing, workers):
        writer.add(entry)
        done += 1
        progress(done, len(tasks))
    writer.finish([task.study_id for task in tasks])


def _others(folder: Path) -> Iterator[Path]:
    yield folder.parent / INPUTS
    yield from (one for one in sorted(folder.parent.glob(f"{UNFINISHED}*")) if one != folder)


def _missing(task: Task, writer: Writer) -> Task:
    entry = writer.entries.get(task.study_id)
    there = entry.results if entry else {}
    rest = {at: request for at, request in task.requests.items() if request.key not in there}
    return Task(task.study_id, task.files, rest)


def _take_over(store: Store, writer: Writer, tasks: Sequence[Task]) -> None:
    """Copy what another store holds of what this one lacks."""
    images = store.images()
    for task in tasks:
        found = store.found(task)
        taken = {
            request.key: (position, found[request.key])
            for position, request in _missing(task, writer).requests.items()
            if request.key in found
        }
        if not taken:
            continue
        write_images(
            writer.folder,
            (
                (position, stored(images[old.position]))
                for position, old in taken.values()
                if old.values
            ),
        )
        results = {key: replace(old, position=at) for key, (at, old) in taken.items()}
        writer.add(Entry(task.study_id, task.files, results))


def _write_coords(folder: Path, results: Sequence[Result]) -> None:
    coords = np.zeros((len(results), 2), np.float32)
    for result in results:
        if result.values:
            coords[result.position] = result.values[:2]
    np.save(folder / COORDS, coords, allow_pickle=False)

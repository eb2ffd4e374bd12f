"""Model inputs of all studies: what is kept already is used again, the rest is made."""

import hashlib
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from lss_cli.anatomy import Condition
from lss_cli.dataset.margin import margin_of
from lss_cli.dataset.sources.base import PointRef, Source, StudyImages
from lss_cli.dataset.sources.master_table import Reason, Unusable
from lss_cli.dataset.store import IMAGE_TYPE, InputResult, Store, StudyInputs
from lss_cli.errors import DataError, OutputError
from lss_cli.files import make_folder
from lss_cli.model.inputs import model_input
from lss_cli.model.spec import InputSpec
from lss_cli.slices import Float32Array

# With fewer studies a further process costs more time than it saves.
STUDIES_PER_WORKER = 4
# Studies handed to a process at a time.
BATCH = 4

FREED_BYTES = 2**24

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class InputRequest:
    """One model input to be made.

    Attributes:
        name: The row's id, unique in the source.
        point: Where its point lies.
        condition: That of the point, before any mirroring.
        mirror: Whether left and right are exchanged.
    """

    name: str
    point: PointRef
    condition: Condition
    mirror: bool

    @property
    def key(self) -> str:
        """Changes with everything that the input depends on, files and specification aside."""
        point = self.point
        where = f"{point.series_id} {point.instance_number} {point.x!r} {point.y!r}"
        return f"{self.name} {where}{' mirrored' if self.mirror else ''}"


@dataclass(frozen=True)
class StudyTask:
    """Model inputs of one study to be made.

    Attributes:
        study_id: The study.
        requests: What to make.
        key: Changes with everything that they depend on.
    """

    study_id: str
    requests: Sequence[InputRequest]
    key: str


@dataclass(frozen=True)
class InputMaker:
    """What every worker needs to know.

    Attributes:
        source: Where the slices come from.
        spec: How inputs are made.
        store: Where they are kept.
    """

    source: Source
    spec: InputSpec
    store: Store

    # In a worker: its own.
    current: ClassVar["InputMaker"]

    def make(self, task: StudyTask) -> StudyInputs:
        """Make the inputs of one study, and keep them."""
        images = np.zeros((len(task.requests), *self.store.shape), IMAGE_TYPE)
        results = [InputResult()] * len(task.requests)
        # Points of one slice follow each other, so that no slice is decoded twice.
        wanted = sorted(enumerate(task.requests), key=lambda item: item[1].point.slice)
        study: StudyImages | None = None
        for position, request in wanted:
            try:
                study = study or self.source.open_study(task.study_id)
                images[position], results[position] = self._make_one(study, request)
            except Unusable as verdict:
                results[position] = InputResult(reason=str(verdict.reason), detail=verdict.detail)
        inputs = StudyInputs(images, results)
        self.store.write(task.key, inputs)
        return inputs

    def _make_one(
        self, study: StudyImages, request: InputRequest
    ) -> tuple[Float32Array, InputResult]:
        try:
            slices, point = study.at(request.point, self.spec.neighbours)
            image, coords = model_input(
                slices,
                point,
                self.spec,
                side=request.condition.side,
                mirror=request.mirror,
                margin=margin_of(self.spec),
            )
        except ValueError as error:
            raise Unusable(Reason.POINT_OUTSIDE, str(error)) from error
        (x, y), (width, height), (mm_x, mm_y) = coords, slices.full_size, slices.spacing_mm
        return image, InputResult(float(x), float(y), width * mm_x, height * mm_y)


def make_inputs(
    folder: Path,
    source: Source,
    requests: Mapping[str, Sequence[InputRequest]],
    spec: InputSpec,
    *,
    versions: Mapping[str, str],
    workers: int = 1,
    progress: Progress,
) -> list[InputResult]:
    """Fill a folder with the model inputs of all studies.

    What an earlier run kept there is used again for every study whose files, points, specification
    and versions are the same; only the others are read from the source.

    Args:
        folder: Of the inputs; made if missing.
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
    (height, width, channels), (columns, rows) = spec.shape, margin_of(spec)
    store = Store(make_folder(folder), (height + 2 * rows, width + 2 * columns, channels))
    maker = InputMaker(source, spec, store)
    tasks = _tasks(source, requests, spec, versions)
    missing = [task for task in tasks if not store.path(task.key).is_file()]
    done = len(tasks) - len(missing)
    progress(done, len(tasks))
    try:
        for _ in _make_all(maker, missing, workers):
            done += 1
            progress(done, len(tasks))
        # What the disk has damaged is made again.
        studies = (store.read(task.key) or maker.make(task) for task in tasks)
        results = store.write_arrays(sum(len(task.requests) for task in tasks), studies)
    except OutputError as error:
        raise OutputError(
            error.what,
            where=str(folder),
            todo="What is done so far is kept: run the same command again.",
        ) from error
    store.prune([task.key for task in tasks])
    return results


def _tasks(
    source: Source,
    requests: Mapping[str, Sequence[InputRequest]],
    spec: InputSpec,
    versions: Mapping[str, str],
) -> list[StudyTask]:
    basis = json.dumps([spec.to_json(), margin_of(spec), dict(versions)], sort_keys=True)
    tasks = []
    for study_id, wanted in requests.items():
        files = source.files_key(study_id, {request.point.series_id for request in wanted})
        content = json.dumps([basis, files, [request.key for request in wanted]])
        key = hashlib.sha256(content.encode()).hexdigest()[:32]
        tasks.append(StudyTask(study_id, wanted, key))
    return tasks


def _make_all(maker: InputMaker, tasks: Sequence[StudyTask], workers: int) -> Iterator[None]:
    """Do all tasks; yields after each.

    Raises:
        DataError: A worker process died.
    """
    workers = min(workers, len(tasks) // STUDIES_PER_WORKER)
    if workers <= 1:
        for task in tasks:
            maker.make(task)
            yield
        return
    pool = ProcessPoolExecutor(workers, initializer=_begin_worker, initargs=(maker,))
    try:
        yield from pool.map(_make_in_worker, tasks, chunksize=BATCH)
    except BrokenProcessPool as error:
        raise DataError(
            "a worker process died; most likely the memory was not enough.",
            todo="Run the same command again with fewer --workers; what is done is kept.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_worker(maker: InputMaker) -> None:
    InputMaker.current = maker
    # Having freed one large block, glibc keeps the memory of slices for the next ones, instead of
    # giving it back and having it zeroed again: a tenth of the time.
    np.empty(FREED_BYTES, np.uint8)
    # Ctrl-C reaches every process of a terminal; the main one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Killed, the main process cannot end its workers, and they would wait for it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_in_worker(task: StudyTask) -> None:
    InputMaker.current.make(task)

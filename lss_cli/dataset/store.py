"""A store of model inputs on disk that is valid at every moment.

A store is a folder: an array of full size from the start, and a ledger that gets a line for each
study whose inputs have been written into that array, with a checksum of each image. A run that was
killed goes on with what the ledger does not name; what it does name and a power cut lost is found
by the checksum.
"""

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lss_cli.dataset.inputs import InputRequest
from lss_cli.errors import OutputError
from lss_cli.model.spec import InputSpec

IMAGES, LEDGER = "images.npy", "ledger.jsonl"

IMAGE_TYPE = np.dtype("<f2")
"""Half floats move a network's probabilities by 2e-4; 8 bits would by 2e-3, without z-scores."""


@dataclass(frozen=True)
class Task:
    """Model inputs of one study.

    Attributes:
        study_id: The study.
        files: Changes with the content of its files.
        requests: The inputs, by their positions in the array.
    """

    study_id: str
    files: str
    requests: Mapping[int, InputRequest]


@dataclass(frozen=True)
class Result:
    """What became of one input.

    Attributes:
        position: In the array.
        values: The point as fractions of width and height, and width and height of the full slice
            in mm; ``None`` if it could not be made.
        check: CRC-32 of the image's bytes.
        reason: Why it could not be made.
        detail: More about that.
    """

    position: int
    values: tuple[float, float, float, float] | None
    check: int = 0
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Entry:
    """What the ledger says of one study.

    Attributes:
        study_id: The study.
        files: As in its task.
        results: By the request's key.
    """

    study_id: str
    files: str
    results: Mapping[str, Result]

    def and_also(self, other: "Entry | None") -> "Entry":
        """Both together, in the order of the positions."""
        results = {**(other.results if other else {}), **self.results}
        ordered = sorted(results.items(), key=lambda item: item[1].position)
        return Entry(self.study_id, self.files, dict(ordered))


def plan_key(tasks: Sequence[Task], spec: InputSpec, versions: Mapping[str, str]) -> str:
    """Changes with everything that the store's bytes depend on."""
    digest = hashlib.sha256(_basis(spec, versions).encode())
    for task in tasks:
        wanted = [[position, request.key] for position, request in task.requests.items()]
        digest.update(json.dumps([task.study_id, task.files, wanted]).encode())
    return digest.hexdigest()


def _basis(spec: InputSpec, versions: Mapping[str, str]) -> str:
    return json.dumps([spec.to_json(), dict(versions)], sort_keys=True)


@dataclass(frozen=True)
class Store:
    """A store as it was found; see the module.

    Attributes:
        folder: Where it lies.
        plan: What it is meant to hold in the end.
        basis: Specification and versions that its inputs were made with.
        entries: What it holds, by study.
    """

    folder: Path
    plan: str
    basis: str
    entries: Mapping[str, Entry]

    @classmethod
    def find(cls, folder: Path) -> "Store | None":
        """The store in `folder`, if there is one that can be trusted."""
        try:
            lines = (folder / LEDGER).read_text(encoding="utf-8").split("\n")
            head = json.loads(lines[0])
            plan, basis = str(head["plan"]), str(head["basis"])
            # Killed while it was written, the last line may be cut short: it ends without \n.
            entries = _read(lines[1:-1])
            np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return None
        return cls(folder, plan, basis, entries)

    def images(self) -> npt.NDArray[Any]:
        """The array, N × H × W × C, left on the disk."""
        return np.asanyarray(np.load(self.folder / IMAGES, mmap_mode="r", allow_pickle=False))

    def checked(self) -> "Store":
        """Without the inputs whose images are not those that were written."""
        images = self.images()

        def good(entry: Entry) -> Entry:
            results = {
                key: one
                for key, one in entry.results.items()
                if one.values is None or zlib.crc32(stored(images[one.position])) == one.check
            }
            return replace(entry, results=results)

        return replace(self, entries={name: good(one) for name, one in self.entries.items()})

    def found(self, task: Task) -> Mapping[str, Result]:
        """The results of a study that are there, by key; none if its files have changed."""
        entry = self.entries.get(task.study_id)
        return entry.results if entry and entry.files == task.files else {}


def _read(lines: Iterable[str]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for line in lines:
        study, files, rows = json.loads(line)
        results = {
            key: Result(position, values and tuple(values), check, reason, detail)
            for key, position, values, check, reason, detail in rows
        }
        entries[study] = Entry(study, files, results).and_also(entries.get(study))
    return entries


class Writer:
    """Writes a store, or goes on writing one that was left unfinished.

    Args:
        folder: Of the store.
        plan: As in `plan_key`.
        spec: How inputs are made.
        versions: With what they are made.
        count: Of all inputs.
    """

    def __init__(
        self, folder: Path, plan: str, spec: InputSpec, versions: Mapping[str, str], count: int
    ) -> None:
        self.folder = folder
        self.basis = _basis(spec, versions)
        """Stores with another one hold nothing that could be used here."""
        self.entries: dict[str, Entry] = {}
        """What it holds, by study."""
        self._plan = plan
        store = Store.find(folder)
        if store and store.plan == plan:
            self.entries = dict(store.checked().entries)
        else:
            self._begin((count, *spec.shape))
        # Written anew: a line that a kill cut short must not swallow the next one.
        self._write_ledger()

    def add(self, entry: Entry) -> None:
        """Enter inputs of a study whose images are written."""
        self.entries[entry.study_id] = entry.and_also(self.entries.get(entry.study_id))
        with (self.folder / LEDGER).open("a", encoding="utf-8", newline="\n") as ledger:
            ledger.write(_line(entry))

    def finish(self, order: Sequence[str]) -> None:
        """Make the ledger independent of the order in which studies were done."""
        with (self.folder / IMAGES).open("rb+") as images:
            os.fsync(images.fileno())
        self.entries = {study: self.entries[study] for study in order}
        self._write_ledger()

    def _begin(self, shape: tuple[int, ...]) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        np.lib.format.open_memmap(
            self.folder / IMAGES, mode="w+", dtype=IMAGE_TYPE, shape=shape
        ).flush()

    def _write_ledger(self) -> None:
        head = json.dumps({"plan": self._plan, "basis": self.basis}) + "\n"
        temporary = self.folder / f"{LEDGER}.new"
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines([head, *map(_line, self.entries.values())])
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / LEDGER)


def _line(entry: Entry) -> str:
    rows = [
        [key, one.position, one.values, one.check, one.reason, one.detail]
        for key, one in entry.results.items()
    ]
    return json.dumps([entry.study_id, entry.files, rows]) + "\n"


def stored(image: npt.NDArray[Any]) -> bytes:
    """The bytes of an image (H × W × C) in the array."""
    return np.asarray(image, IMAGE_TYPE).tobytes()


def write_images(folder: Path, images: Iterable[tuple[int, bytes]]) -> None:
    """Write images at their positions into the array of a store.

    The file is written to, not mapped: a full disk is then an error and not the process's end.
    """
    offset, size = _layout(folder / IMAGES)
    with (folder / IMAGES).open("rb+") as file:
        for position, image in images:
            file.seek(offset + position * size)
            file.write(image)


@lru_cache(1)
def _layout(path: Path) -> tuple[int, int]:
    """Where the first image begins, and the bytes of each; a folder is named by its plan."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return array.offset, array[:1].nbytes


def no_space(error: OSError, folder: Path) -> OutputError:
    """What to tell when a store cannot be written."""
    return OutputError(
        f"the model inputs cannot be written ({error.strerror}).",
        where=str(folder),
        todo="What is done so far is kept: run the same command again.",
    )

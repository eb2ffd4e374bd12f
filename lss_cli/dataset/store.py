"""Model inputs kept on disk: one file per study, named by all that its content depends on.

A file appears whole or not at all, so a run that was killed goes on with the files that are
missing. Each holds a checksum: what became damaged on the disk is noticed when it is read. In the
end all files are put together into the arrays that training reads.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lss_cli.files import replacing

IMAGES, COORDS = "images.npy", "coords.npy"

# Half floats move a network's probabilities by 2e-4; 8 bits would by 2e-3, without z-scores.
IMAGE_TYPE = np.dtype("<f2")

DIGEST_BYTES = hashlib.sha256().digest_size


class InputResult(NamedTuple):
    """What became of one model input.

    Attributes:
        x: The point, as a fraction of the full, oriented slice's width.
        y: The point, as a fraction of its height.
        width_mm: Of the full, oriented slice.
        height_mm: Of the full, oriented slice.
        reason: Why the input could not be made; its numbers and image are then 0.
        detail: More about that.
    """

    x: float = 0.0
    y: float = 0.0
    width_mm: float = 0.0
    height_mm: float = 0.0
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, eq=False)
class StudyInputs:
    """Model inputs of one study, in the order in which they were asked for.

    Attributes:
        images: N × H × W × C, of `IMAGE_TYPE`.
        results: What became of each.
    """

    images: npt.NDArray[Any]
    results: list[InputResult]


def _digest(*content: bytes | memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in content:
        digest.update(part)
    return digest.digest()


@dataclass(frozen=True)
class Store:
    """A folder with a file for each study, and with the arrays of all of them.

    Attributes:
        folder: It exists.
        shape: Height, width and channels of one image.
    """

    folder: Path
    shape: tuple[int, int, int]

    def path(self, key: str) -> Path:
        """The file of a study; where there is one, the study is done."""
        return self.folder / f"{key}.study"

    def write(self, key: str, inputs: StudyInputs) -> None:
        """Keep the inputs of a study: SHA-256 of the rest, a line of JSON, the images.

        Raises:
            OutputError: They cannot be written.
        """
        header = json.dumps([inputs.images.shape, inputs.results]).encode() + b"\n"
        images = np.ascontiguousarray(inputs.images)
        with replacing(self.path(key)) as path, path.open("wb") as file:
            file.write(_digest(header, images.data))
            file.write(header)
            file.write(images.data)

    def read(self, key: str) -> StudyInputs | None:
        """The inputs of a study, or ``None`` if the file is not there or not as it was written."""
        try:
            content = memoryview(self.path(key).read_bytes())
        except OSError:
            return None
        written = content[DIGEST_BYTES:]
        if _digest(written) != content[:DIGEST_BYTES]:
            return None
        header, _, pixels = written.tobytes().partition(b"\n")
        shape, results = json.loads(header)
        if shape[1:] != [*self.shape]:
            return None
        images = np.frombuffer(pixels, IMAGE_TYPE).reshape(shape)
        return StudyInputs(images, [InputResult(*values) for values in results])

    def write_arrays(self, count: int, studies: Iterable[StudyInputs]) -> list[InputResult]:
        """Put the inputs of all studies together; one study at a time is in memory.

        The file is written to, not mapped: a full disk is then an error and not the process's end.

        Args:
            count: Of all inputs.
            studies: In the order of the arrays.

        Returns:
            What became of each input, in the order of the arrays.

        Raises:
            OutputError: They cannot be written.
        """
        shape = (count, *self.shape)
        header = {"descr": IMAGE_TYPE.str, "fortran_order": False, "shape": shape}
        results: list[InputResult] = []
        with replacing(self.folder / IMAGES) as path, path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for inputs in studies:
                file.write(inputs.images.data)
                results += inputs.results
            file.flush()
            os.fsync(file.fileno())
        coords = [(result.x, result.y) for result in results]
        with replacing(self.folder / COORDS) as path:
            np.save(path, np.array(coords, np.float32).reshape(-1, 2), allow_pickle=False)
        return results

    def prune(self, keys: Collection[str]) -> None:
        """Remove everything but the arrays and the files of these studies."""
        kept = {IMAGES, COORDS, *(self.path(key).name for key in keys)}
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink()

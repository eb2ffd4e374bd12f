"""What the JSON files of a run folder have to hold before anything acts on them."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from lss_cli.anatomy import Condition
from lss_cli.errors import DataError
from lss_cli.model.spec import InputSpec
from lss_cli.text import printable
from lss_cli.training.options import Strategy
from lss_cli.validation import read_document

FoldFolder = Annotated[str, Field(pattern=r"^fold_\w+$")]

# Characters of a JSON file of a run; the largest have some ten thousand.
LARGEST_FILE = 2**24
# What the members of a network's file may take together; weights are stored as they are.
LARGEST_NETWORK_BYTES = 2**32


@dataclass
class RunOptions:
    """Of the options, what is told of a run, and what says which rows it learnt from."""

    backbone: str
    strategy: Strategy = "prepared"


@dataclass
class RunData:
    """Which data a run was trained on."""

    folder: str
    fingerprint: str


@dataclass
class NetworkData(RunData):
    """Which rows of them, for one network."""

    fold: str
    conditions: Annotated[list[Condition], Field(min_length=1)]
    mirrored: list[Condition]


@dataclass
class RunConfig:
    """What is read of ``config.json`` of one network; it holds more."""

    options: RunOptions
    data: NetworkData
    input: InputSpec
    start: Mapping[str, Any]
    versions: Mapping[str, str]
    epochs_done: int
    temperature: Annotated[float, Field(ge=0.01, le=100)]


@dataclass
class FoldsConfig:
    """What is read of ``config.json`` of a run with folds."""

    options: RunOptions
    data: RunData
    folds: Annotated[list[FoldFolder], Field(min_length=2)]


@dataclass
class BegunRun:
    """What a training that is not finished began with."""

    options: Mapping[str, Any]
    fingerprint: str
    start: Mapping[str, str] = field(default_factory=dict)


@dataclass
class PartMetrics:
    """What is read of ``metrics.json``, for each part."""

    model: Mapping[str, Any]


def read_json(path: Path, kind: Any = None) -> dict[str, Any]:
    """Read a JSON file of a run folder.

    Args:
        path: The file.
        kind: What it has to hold, as pydantic has it; it may hold more.

    Raises:
        DataError: It is missing, damaged or lacks something; says what.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise ValueError("the file is too large")
        document = json.loads(text)
        # JSON may hold half a character, which no output could.
        json.dumps(document, ensure_ascii=False).encode()
        if not isinstance(document, dict):
            raise ValueError("it is no JSON object")
        if kind is not None:
            read_document(kind, document)
    except (OSError, ValueError, OverflowError, RecursionError) as error:
        raise DataError(
            f"the run cannot be read ({printable(error, 200)}).",
            where=str(path),
            todo="Copy the run again, or train anew.",
        ) from error
    return document


def check_network_file(path: Path) -> None:
    """Look at a ``.keras`` file, which is a zip file, before anything unpacks it.

    Raises:
        ValueError, OSError, BadZipFile: It is none, or would take more memory than any network.
    """
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
    size = sum(member.file_size for member in members)
    if size > LARGEST_NETWORK_BYTES or size > 20 * path.stat().st_size:
        raise ValueError(f"unpacked, the network would take {size:,} bytes")

"""Run a file with a network that nobody vouches for: nothing outside of it, within bounds."""

import hashlib
import io
import threading
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lss_cli.child import memory_allowance
from lss_cli.errors import ModelError
from lss_cli.extras import RUNTIME, install_package
from lss_cli.model.metadata import METADATA_KEY
from lss_cli.slices import Float32Array
from lss_cli.text import encodable, printable

# Networks for 96 × 96 pixels have some 20 to 100 MB. Loading takes several times the file's size.
LARGEST_FILE_BYTES = 2**29
LOADING_COPIES = 8
# A small file may ask for large tensors, and count to infinity. VGG16 on 224 × 224 pixels takes a
# twentieth of the memory, the largest backbone on one core a tenth of the time.
MOST_BYTES, MOST_BYTES_PER_IMAGE = 2**30, 2**26
MOST_SECONDS, MOST_SECONDS_PER_IMAGE = 60.0, 10.0

# A tensor kept outside the file carries an entry with the key "location" (onnx.proto3,
# TensorProto.external_data); this is how protobuf writes that key. Loading such a model would
# read whatever file it names.
EXTERNAL_DATA = b"\x0a\x08location"


@dataclass(frozen=True, eq=False)
class Network:
    """A file's network, ready to run.

    Attributes:
        path: The file.
        sha256: Of the file's bytes.
        description: What the file says of itself, a JSON document that is still to be read.
        session: ONNX Runtime's session.
    """

    path: Path
    sha256: str
    description: str
    session: Any

    @cached_property
    def device(self) -> str:
        """``CUDA`` or ``CPU``: what the session really runs on."""
        return "CUDA" if "CUDAExecutionProvider" in self.session.get_providers() else "CPU"

    def run(
        self, outputs: Sequence[str], feeds: Mapping[str, Float32Array], count: int
    ) -> list[Any]:
        """Run it within bounds of memory and time.

        Args:
            outputs: Names of those that are wanted.
            feeds: The inputs by name.
            count: How many rows they have.

        Raises:
            ModelError: It fails, or wants more than a network of ours needs.
        """
        import onnxruntime

        options = onnxruntime.RunOptions()
        # ONNX Runtime stops between two steps of the graph.
        stop = threading.Timer(
            MOST_SECONDS + count * MOST_SECONDS_PER_IMAGE,
            lambda: setattr(options, "terminate", True),
        )
        stop.daemon = True
        stop.start()
        try:
            with memory_allowance(MOST_BYTES + count * MOST_BYTES_PER_IMAGE):
                return list(self.session.run(list(outputs), dict(feeds), options))
        except Exception as error:
            # ONNX Runtime's exceptions have no common base below Exception.
            raise ModelError(
                f"the model fails when it is run{_explain(error)}.", where=self.path.name
            ) from error
        finally:
            stop.cancel()

    def check_interface(
        self,
        inputs: Mapping[str, tuple[int | str, ...]],
        outputs: Mapping[str, tuple[int | str, ...]],
    ) -> None:
        """Refuse a network whose inputs and outputs are not as its description says.

        Args:
            inputs: Shape of each, without the rows.
            outputs: Shape of each, without the rows.

        Raises:
            ModelError: They are others.
        """
        for nodes, expected in (
            (self.session.get_inputs(), inputs),
            (self.session.get_outputs(), outputs),
        ):
            shapes = {node.name: (node.type, tuple(node.shape[1:])) for node in nodes}
            if shapes != {name: ("tensor(float)", shape) for name, shape in expected.items()}:
                raise ModelError(
                    "the model's inputs and output are not those that its description names.",
                    where=self.path.name,
                    todo="Export it again with this version of lss.",
                )


def open_network(path: Path, *, threads: int | None = None) -> Network:
    """Open a model file. CUDA is used where the session really has it.

    Args:
        path: An ``.onnx`` file.
        threads: Of the processor, for one run; by default as many as it has cores.

    Raises:
        ModelError: There is no such file, it is no ONNX model, keeps data outside of itself, or
            has no description of ours.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"ONNX Runtime cannot be loaded ({printable(error, 120)}).",
            todo=f"Install it with: {install_package(RUNTIME)}",
        ) from error

    content = _content(path)
    if EXTERNAL_DATA in content:
        raise ModelError(
            "the model keeps data in other files, which are not read.",
            where=path.name,
            todo="Use one self-contained file.",
        )
    # Without CUDA, ONNX Runtime says so on stderr although the CPU does as well.
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    # However the bytes may hide it: data outside of the file is looked for where nothing is.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", encodable(str(path / "nothing"))
    )
    # Threads that wait by spinning would take the cores from what comes after the run.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    available = onnxruntime.get_available_providers()
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    copies = LOADING_COPIES * len(content)
    try:
        # Before it falls back to the CPU it prints why, raw text of a damaged file included.
        with redirect_stdout(io.StringIO()), memory_allowance(MOST_BYTES + copies):
            session = onnxruntime.InferenceSession(
                content, options, providers=[name for name in wanted if name in available]
            )
    except Exception as error:
        # ONNX Runtime's exceptions have no common base below Exception.
        raise ModelError(
            f"this is no ONNX model that can be run{_explain(error)}.", where=path.name
        ) from error
    return Network(path, hashlib.sha256(content).hexdigest(), _description(path, session), session)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ModelError("the file is too large for an ONNX model.", where=path.name)
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the model cannot be read ({error.strerror}).", where=str(path)
        ) from error


def _description(path: Path, session: Any) -> str:
    try:
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    except UnicodeDecodeError as error:
        raise ModelError(
            "the model's description is damaged.",
            where=path.name,
            todo="Copy or export it again.",
        ) from error
    if text is None:
        raise ModelError(
            "the model does not say how it wants to be fed; it is not one of lss.",
            where=path.name,
            todo="Make one with 'lss train' and 'lss export-onnx'.",
        )
    return str(text)


def _explain(error: Exception) -> str:
    """What ONNX Runtime tells only in the text of its exceptions, if it is one of our bounds."""
    text = str(error)
    if isinstance(error, MemoryError) or "bad_alloc" in text or "allocate memory" in text:
        return ": it wants more memory than a network of this kind needs"
    if "terminate flag" in text:
        return ": it takes longer than a network of this kind needs"
    return ""

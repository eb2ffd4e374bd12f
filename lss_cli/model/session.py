"""Load a model file, refuse what is not ours, and run it."""

import hashlib
import io
import threading
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.child import memory_allowance
from lss_cli.errors import ModelError
from lss_cli.extras import RUNTIME, install_package
from lss_cli.model.metadata import METADATA_KEY, ModelCard, ModelMetadata
from lss_cli.slices import Float32Array
from lss_cli.text import encodable, join_words, printable

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
class Model:
    """A checked model file, ready to run.

    Attributes:
        path: The file.
        sha256: Of the file's bytes.
        session: ONNX Runtime's session.
    """

    path: Path
    sha256: str
    metadata: ModelMetadata
    session: Any

    @cached_property
    def device(self) -> str:
        """``CUDA`` or ``CPU``: what the session really runs on."""
        return "CUDA" if "CUDAExecutionProvider" in self.session.get_providers() else "CPU"

    @property
    def card(self) -> ModelCard:
        """What a result keeps of the model."""
        metadata = self.metadata
        return ModelCard(
            metadata.name, self.sha256, metadata.licence, metadata.created, metadata.training
        )

    def require(self, conditions: Iterable[Condition]) -> None:
        """Refuse conditions that the model may not grade.

        Raises:
            ModelError: Says which, and what it may grade.
        """
        gradable = self.metadata.conditions
        if refused := [condition for condition in conditions if condition not in gradable]:
            raise ModelError(
                f"the model {printable(self.path.name)} may not grade {join_words(refused)}.",
                todo=f"It may grade {join_words(gradable)}.",
            )

    def probabilities(
        self, images: Float32Array, coords: Float32Array, levels: Sequence[Level]
    ) -> Float32Array:
        """Grade inputs.

        Args:
            images: N × H × W × C, from `model_input`.
            coords: N × 2, from `model_input`.
            levels: N levels; used only where the model takes them.

        Returns:
            N × 3 calibrated probabilities in the order of `Severity`.

        Raises:
            ModelError: The model fails, or answers with something other than probabilities.
        """
        feeds = {"image": images, "coords": coords}
        if self.metadata.input.level:
            feeds["level"] = np.eye(len(Level), dtype=np.float32)[
                [level.ordinal for level in levels]
            ]
        try:
            raw = _run(self.session, feeds, len(images))
        except Exception as error:
            # ONNX Runtime's exceptions have no common base below Exception.
            raise ModelError(
                f"the model fails when it is run{_explain(error)}.", where=self.path.name
            ) from error
        if raw.shape != (len(images), len(Severity)) or not (
            np.isfinite(raw).all()
            and (raw >= 0).all()
            and np.allclose(raw.sum(axis=1), 1, atol=1e-3)
        ):
            raise ModelError("the model's output is no probabilities.", where=self.path.name)
        return apply_temperature(raw, self.metadata.temperature)


def _run(session: Any, feeds: dict[str, Float32Array], count: int) -> Any:
    """Within bounds of memory and time; ONNX Runtime stops between two steps of the graph."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    stop = threading.Timer(
        MOST_SECONDS + count * MOST_SECONDS_PER_IMAGE, lambda: setattr(options, "terminate", True)
    )
    stop.daemon = True
    stop.start()
    try:
        with memory_allowance(MOST_BYTES + count * MOST_BYTES_PER_IMAGE):
            return session.run(["prob"], feeds, options)[0]
    finally:
        stop.cancel()


def _explain(error: Exception) -> str:
    """What ONNX Runtime tells only in the text of its exceptions, if it is one of our bounds."""
    text = str(error)
    if isinstance(error, MemoryError) or "bad_alloc" in text or "allocate memory" in text:
        return ": it wants more memory than a network of this kind needs"
    if "terminate flag" in text:
        return ": it takes longer than a network of this kind needs"
    return ""


def apply_temperature(prob: Float32Array, temperature: float) -> Float32Array:
    """Divide the logits behind N × 3 probabilities by a temperature.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    logits = np.log(np.maximum(prob, np.finfo(np.float32).tiny)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def load_model(path: Path, *, threads: int | None = None) -> Model:
    """Load and check a model file. CUDA is used where the session really has it.

    Args:
        path: An ``.onnx`` file written by ``lss export-onnx``.
        threads: Of the processor, for one run; by default as many as it has cores.

    Raises:
        ModelError: There is no such file, it is no ONNX model, has no description of ours or one
            of another version, keeps data outside of itself, or has other inputs or outputs.
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
    metadata = _metadata(path, session)
    _check_interface(path, session, metadata)
    return Model(path, hashlib.sha256(content).hexdigest(), metadata, session)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ModelError("the file is too large for an ONNX model.", where=path.name)
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the model cannot be read ({error.strerror}).", where=str(path)
        ) from error


def _metadata(path: Path, session: Any) -> ModelMetadata:
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
    try:
        return ModelMetadata.from_json(text)
    except (ValueError, OverflowError, RecursionError) as error:
        raise ModelError(
            f"the model cannot be used: {printable(error, 200)}",
            where=path.name,
            todo="Export it again with this version of lss.",
        ) from error


def _check_interface(path: Path, session: Any, metadata: ModelMetadata) -> None:
    wanted = {"image": metadata.input.shape, "coords": (2,)}
    if metadata.input.level:
        wanted["level"] = (len(Level),)
    inputs = {node.name: (node.type, tuple(node.shape[1:])) for node in session.get_inputs()}
    outputs = {node.name: (node.type, tuple(node.shape[1:])) for node in session.get_outputs()}
    expected = {name: ("tensor(float)", shape) for name, shape in wanted.items()}
    if inputs != expected or outputs != {"prob": ("tensor(float)", (len(Severity),))}:
        raise ModelError(
            "the model's inputs and output are not those that its description names.",
            where=path.name,
            todo="Export it again with this version of lss.",
        )

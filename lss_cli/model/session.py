"""The grader: load a model file, refuse what is not ours, and ask it for grades."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lss_cli.anatomy import Level, Severity
from lss_cli.errors import ModelError
from lss_cli.model.metadata import ModelCard, ModelMetadata
from lss_cli.model.network import Network, open_network
from lss_cli.slices import Float32Array
from lss_cli.text import printable


@dataclass(frozen=True, eq=False)
class Model:
    """A checked model file, ready to run.

    Attributes:
        network: The file and its network.
        metadata: What it says of itself.
    """

    network: Network
    metadata: ModelMetadata

    @property
    def path(self) -> Path:
        """The file."""
        return self.network.path

    @property
    def sha256(self) -> str:
        """Of the file's bytes."""
        return self.network.sha256

    @property
    def device(self) -> str:
        """``CUDA`` or ``CPU``: what the session really runs on."""
        return self.network.device

    @property
    def card(self) -> ModelCard:
        """What a result keeps of the model."""
        metadata = self.metadata
        return ModelCard(
            metadata.name,
            self.sha256,
            metadata.licence,
            metadata.created,
            metadata.training,
            metadata.rule,
            tuple(metadata.conditions),
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
        (raw,) = self.network.run(["prob"], feeds, len(images))
        if raw.shape != (len(images), len(Severity)) or not (
            np.isfinite(raw).all()
            and (raw >= 0).all()
            and np.allclose(raw.sum(axis=1), 1, atol=1e-3)
        ):
            raise ModelError("the model's output is no probabilities.", where=self.path.name)
        return apply_temperature(raw, self.metadata.temperature)


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
    network = open_network(path, threads=threads)
    try:
        metadata = ModelMetadata.from_json(network.description)
    except (ValueError, OverflowError, RecursionError) as error:
        raise ModelError(
            f"the model cannot be used: {printable(error, 200)}",
            where=path.name,
            todo="Export it again with this version of lss.",
        ) from error
    inputs = {"image": metadata.input.shape, "coords": (2,)}
    if metadata.input.level:
        inputs["level"] = (len(Level),)
    network.check_interface(inputs, {"prob": (len(Severity),)})
    return Model(network, metadata)

"""From a run to one model file that needs no TensorFlow."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow

from lss_cli.anatomy import Condition
from lss_cli.dataset.cache import Prepared
from lss_cli.dataset.prepare import versions
from lss_cli.dataset.split import TRAIN, VALIDATION
from lss_cli.errors import DataError
from lss_cli.files import check_writable, replacing
from lss_cli.input_spec import InputSpec
from lss_cli.model.metadata import METADATA_KEY, Handling, ModelMetadata
from lss_cli.training.backend import silenced
from lss_cli.training.batches import Batches
from lss_cli.training.fit import CONFIG, METRICS, MODEL

OPSET = 17
TOLERANCE = 1e-4
BATCH = 32
BATCH_DIMENSION = "batch"

INTENDED_USE = (
    "Research and teaching: a second look at lumbar subarticular stenosis on axial T2 MRI. "
    "Not a medical device, and no basis for a clinical decision."
)


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        folder: Where it lies.
        config: What was asked for.
        metrics: What came out.
        network: The trained Keras model.
    """

    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    network: Any

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Load a run; code in the model file is never executed.

        Raises:
            DataError: There is none, it is unfinished, or it cannot be read.
        """
        if not (folder / CONFIG).is_file():
            raise DataError(
                "there is no finished run here.",
                where=str(folder),
                todo="Train one with: lss train --out RUN",
            )
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
            network = keras.saving.load_model(folder / MODEL, compile=False, safe_mode=True)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"the run cannot be read ({error}).", where=str(folder)) from error
        return cls(folder, config, metrics, network)

    def data(self, folder: Path | None = None) -> Prepared:
        """Open the data that it was trained on.

        Args:
            folder: Where they lie now, if not where they lay then.

        Raises:
            DataError: They are gone, or others lie there.
        """
        data = Prepared.open(folder or Path(self.config["data"]["folder"]))
        if data.report["fingerprint"] != self.config["data"]["fingerprint"]:
            raise DataError(
                "these are not the data that the run was trained on.",
                where=str(data.folder),
                todo="Name those with --data, or train again.",
            )
        return data


def export_onnx(
    run: Run, data: Prepared, out: Path, *, name: str, trained_on: str, licence: str
) -> float:
    """Write a run's network as one model file, and check it before it is called done.

    Args:
        run: A finished training.
        data: Those that it was trained on; the validation part is what the check runs on.
        out: The ``.onnx`` file.
        name: A short name for people.
        trained_on: What the data are called, for people.
        licence: Under which terms the weights may be used.

    Returns:
        The largest difference between a probability of Keras and one of ONNX Runtime.

    Raises:
        OutputError: `out` cannot be written.
        RuntimeError: The two networks differ by more than `TOLERANCE`.
    """
    check_writable(out)
    model = converted(run.network)
    difference = largest_difference(run.network, model, data)
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the exported network differs by {difference:.2g} from the trained one")
    document = _metadata(run, difference, name, trained_on, licence).to_json()
    onnx.helper.set_model_props(model, {METADATA_KEY: document})
    onnx.checker.check_model(model)
    with replacing(out) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return difference


def converted(network: Any) -> Any:
    """The network as ONNX, with the inputs' own names and any number of rows."""
    signature = [
        tensorflow.TensorSpec((None, *one.shape[1:]), one.dtype, name=one.name)
        for one in network.inputs
    ]
    with silenced():
        import tf2onnx

        model, _ = tf2onnx.convert.from_keras(network, input_signature=signature, opset=OPSET)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH_DIMENSION
    return model


def largest_difference(network: Any, model: onnx.ModelProto, data: Prepared) -> float:
    """Run both networks on the validation part; the largest difference of a probability."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    largest = 0.0
    for inputs, _ in _batches(data):
        expected = np.asarray(network(inputs, training=False))
        (got,) = session.run(["prob"], inputs)
        largest = max(largest, float(np.abs(got - expected).max()))
    return largest


def _batches(data: Prepared) -> Any:
    batches = Batches(data, data.rows(VALIDATION), BATCH)
    return (batches[number] for number in range(len(batches)))


def _metadata(
    run: Run, difference: float, name: str, trained_on: str, licence: str
) -> ModelMetadata:
    data, options = run.config["data"], run.config["options"]
    train = data["counts"][TRAIN]
    return ModelMetadata(
        name=name,
        conditions=handled([Condition(one) for one in data["conditions"]]),
        input=InputSpec.from_json(run.config["input"]),
        training={
            "summary": f"{trained_on}: {train['rows']} labels of {train['studies']} studies",
            "backbone": options["backbone"],
            "epochs": run.config["epochs_done"],
            "conditions": data["conditions"],
            "mirrored": data["mirrored"],
            "parts": data["counts"],
            "largest_difference_to_keras": difference,
        },
        metrics={part: found for part, found in run.metrics.items() if part != TRAIN},
        licence=licence,
        intended_use=INTENDED_USE,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        tools=run.config["versions"] | versions(["tf2onnx", "onnx"]),
    )


def handled(conditions: list[Condition]) -> dict[Condition, Handling]:
    """What a model may grade: what it was trained on, and by mirroring the other sides."""
    mirrored: dict[Condition, Handling] = {one.mirrored: "mirrored" for one in conditions}
    return mirrored | dict.fromkeys(conditions, "as is")

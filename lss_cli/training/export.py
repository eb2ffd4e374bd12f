"""From a run to one model file that needs no TensorFlow."""

import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
import tensorflow

from lss_cli.anatomy import Condition
from lss_cli.dataset.prepared import Prepared, count_by_split
from lss_cli.dataset.split import TRAIN, VALIDATION
from lss_cli.evaluation.grade_counts import TRAINING_PART, GradeCounts
from lss_cli.files import check_writable, replacing
from lss_cli.model.metadata import METADATA_KEY, Handling, ModelMetadata
from lss_cli.model.ood import OodStatistics
from lss_cli.model.spec import InputSpec
from lss_cli.text import join_words
from lss_cli.training.backend import silenced
from lss_cli.training.batches import read_in_order, reader
from lss_cli.training.graph import merge_normalisations, store_half_floats
from lss_cli.training.run import Run
from lss_cli.versions import versions

OPSET = 17
BATCH = 32
CHECKED = 1000

StoredPrecision = Literal["float32", "fp16", "int8"]

# The largest difference to the trained network that is let through. Half floats have three
# decimals, a byte has two, and a deep network adds up what they lose.
TOLERANCE: dict[StoredPrecision, float] = {"float32": 1e-4, "fp16": 1e-2, "int8": 5e-2}

BATCH_DIMENSION = "batch"

INTENDED_USE = (
    "Research and teaching: a second look at lumbar {} on {} MRI. "
    "Not a medical device, and no basis for a clinical decision."
)


def export_onnx(
    run: Run,
    data: Prepared,
    out: Path,
    *,
    name: str,
    trained_on: str,
    licence: str,
    precision: StoredPrecision = "float32",
) -> float:
    """Write a run's network as one model file, and check it before it is called done.

    Args:
        run: A finished training; the model chooses its grades by the run's rule.
        data: Those that it was trained on; the check runs on rows of them.
        out: The ``.onnx`` file.
        name: A short name for people.
        trained_on: What the data are called, for people.
        licence: Under which terms the weights may be used.
        precision: Of the stored weights; inputs, output and arithmetic stay float32.

    Returns:
        The largest difference between a probability of Keras and one of ONNX Runtime.

    Raises:
        OutputError: `out` cannot be written.
        RuntimeError: The two networks differ by more than `TOLERANCE`.
    """
    check_writable(out)
    model = convert_to_onnx(run.network)
    if precision != "float32":
        store_half_floats(model, kernels_as_bytes=precision == "int8")
    # Those of the validation part, or where there is none the first of the training part.
    rows = data.rows(VALIDATION) if len(data.rows(VALIDATION)) else data.rows(TRAIN)[:CHECKED]
    compared = read_in_order(reader(data), rows, BATCH)
    difference = check_difference(run.network, model, compared, TOLERANCE[precision])
    document = _metadata(run, data, difference, name, trained_on, licence, precision).to_json()
    write_onnx(model, document, out)
    return difference


def convert_to_onnx(network: Any) -> Any:
    """The network as ONNX, with the inputs' own names and any number of rows."""
    signature = [
        tensorflow.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=tensor.name)
        for tensor in network.inputs
    ]
    with silenced():
        import tf2onnx

        model, _ = tf2onnx.convert.from_keras(network, input_signature=signature, opset=OPSET)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH_DIMENSION
    merge_normalisations(model)
    return model


def check_difference(
    network: Any,
    model: onnx.ModelProto,
    batches: Iterable[Sequence[Any]],
    tolerance: float,
) -> float:
    """Run both networks on some inputs.

    Args:
        network: Of Keras, with one output.
        model: The same, converted.
        batches: The inputs, some at a time, in the order of the network's own.
        tolerance: The largest difference of a probability that is let through.

    Returns:
        The largest difference.

    Raises:
        RuntimeError: It is larger.
    """
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    difference = 0.0
    names = [tensor.name for tensor in network.inputs]
    for inputs in batches:
        # Keras warns of a single input that comes in a list.
        expected = network.predict_on_batch(inputs if len(inputs) > 1 else inputs[0])
        (got,) = session.run(None, dict(zip(names, inputs, strict=True)))
        difference = max(difference, float(np.abs(got - expected).max()))
    if not difference <= tolerance:
        raise RuntimeError(f"the exported network differs by {difference:.2g} from the trained one")
    return difference


def write_onnx(model: onnx.ModelProto, document: str, out: Path) -> None:
    """Write a model with what it says of itself, whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    onnx.helper.set_model_props(model, {METADATA_KEY: document})
    onnx.checker.check_model(model)
    with replacing(out) as temporary:
        temporary.write_bytes(model.SerializeToString())


def _metadata(
    run: Run,
    data: Prepared,
    difference: float,
    name: str,
    trained_on: str,
    licence: str,
    precision: StoredPrecision,
) -> ModelMetadata:
    conditions, options = run.config["data"]["conditions"], run.config["options"]
    names = [Condition(name) for name in conditions]
    # Data of before 0.2 have RSNA's kinds of series alone.
    series = {Condition(name): kind for name, kind in data.report.get("series", {}).items()}
    kinds = [series.get(name, name.series_description) for name in names]
    parts, rows = count_by_split(data.index), data.rows(TRAIN)
    images = (image for image, *_ in read_in_order(reader(data), rows, BATCH))
    return ModelMetadata(
        name=name,
        conditions=handling_of(names),
        input=InputSpec.from_json(run.config["input"]),
        training={
            "summary": f"{trained_on}: {parts[TRAIN]['rows']} labels of "
            f"{parts[TRAIN]['studies']} studies",
            "backbone": options["backbone"],
            "networks": run.networks,
            "start": run.config["start"],
            "epochs": run.config["epochs_done"],
            "conditions": conditions,
            "mirrored": run.config["data"]["mirrored"],
            "parts": parts,
            "levels": GradeCounts.of_rows(data.index.iloc[rows], TRAINING_PART).to_json(),
            "precision": precision,
            "calibration": run.config.get("calibration", "temperature"),
            "largest_difference_to_keras": difference,
        },
        temperature=run.temperature,
        grade_weights=run.rule.weights,
        ood=OodStatistics.fit(images, data.index["study_id"].to_numpy()[rows]),
        metrics={part: found for part, found in run.metrics.items() if part != TRAIN},
        licence=licence,
        intended_use=_intended_use(names, kinds),
        series=series,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        tools=run.config["versions"] | versions(["tf2onnx", "onnx"]),
    )


def _intended_use(conditions: Iterable[Condition], kinds: Iterable[str]) -> str:
    names = dict.fromkeys(condition.finding.lower() for condition in conditions)
    series = dict.fromkeys(f"{kind[0].lower()}{kind[1:]}" for kind in kinds)
    return INTENDED_USE.format(join_words(names), join_words(series))


def handling_of(conditions: list[Condition]) -> dict[Condition, Handling]:
    """What a model may grade: what it was trained on, and by mirroring the other sides."""
    mirrored: dict[Condition, Handling] = {
        condition.mirrored: "mirrored" for condition in conditions
    }
    return mirrored | dict.fromkeys(conditions, "as is")

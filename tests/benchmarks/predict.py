"""How fast `lss predict` is from the shell's prompt, against other ways, in one run.

    python tests/benchmarks/predict.py [STUDY COORDS]

Without a study, a phantom of about 45 files is made. Prints seconds (medians) and ratios. Nothing
here passes or fails.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lss_cli.phantom.dataset import write_phantoms

ROUNDS = 7

BARE = """
import sys
from pathlib import Path
import numpy as np, pydicom, onnxruntime
from pydicom.pixels import pixel_array
study, coords, model = sys.argv[1:]
headers = {}
for path in sorted(Path(study).rglob("*.dcm")):
    header = pydicom.dcmread(path, stop_before_pixels=True)
    series = header.SeriesInstanceUID.rpartition(".")[2]
    headers[series, int(header.InstanceNumber)] = path, header.ImagePositionPatient
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
_, height, width, channels = session.get_inputs()[0].shape
images, name = [], Path(study).name
for line in open(coords):
    study_id, series, number, condition, level, x, y = line.strip().split(",")
    if study_id != name or "Subarticular" not in condition:
        continue
    slices = [headers.get((series, int(number) + step)) for step in (-1, 0, 1)]
    pixels = [pixel_array(header[0]).astype("float32") for header in slices if header]
    while len(pixels) < channels:
        pixels.append(pixels[-1])
    top, left = int(float(y)) - height // 2, int(float(x)) - width // 2
    cut = [image[top : top + height, left : left + width] for image in pixels]
    images.append(np.stack([(image - image.min()) / np.ptp(image) for image in cut], axis=-1))
inputs = {"image": np.stack(images), "coords": np.full((len(images), 2), 0.5, "float32")}
inputs["level"] = np.eye(5, dtype="float32")[np.arange(len(images)) % 5]
print(session.run(["prob"], {node.name: inputs[node.name] for node in session.get_inputs()})[0])
"""

KERAS = (
    BARE.replace("import numpy as np, pydicom, onnxruntime", "import numpy as np, pydicom, keras")
    .replace(
        'session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])\n'
        "_, height, width, channels = session.get_inputs()[0].shape",
        "network = keras.saving.load_model(model)\n"
        "_, height, width, channels = network.inputs[0].shape",
    )
    .replace(
        'session.run(["prob"], {node.name: inputs[node.name] for node in session.get_inputs()})[0]',
        "network.predict([inputs[node.name] for node in network.inputs], verbose=0)",
    )
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) == 3:
            study, coords = map(Path, sys.argv[1:])
        else:
            write_phantoms(Path(folder) / "rsna", 1, seed=38)
            (study,) = (Path(folder) / "rsna" / "train_images").iterdir()
            coords = Path(folder) / "rsna" / "train_label_coordinates.csv"
        network = Path(folder) / "model.keras"
        save_network(network)
        from lss_cli.model.find import find_model

        lss = [sys.executable, "-c", "from lss_cli.cli.main import main; main()"]
        ways = {
            "lss predict": [*lss, "predict", study, "--coords", coords],
            "bare script": [sys.executable, "-c", BARE, study, coords, find_model("default")],
            "bare script, Keras": [sys.executable, "-c", KERAS, study, coords, network],
            "lss --help": [*lss, "--help"],
            "import typer, rich": [sys.executable, "-c", "import typer, rich"],
        }
        seconds = measure({name: [str(word) for word in way] for name, way in ways.items()})
    for name, value in seconds.items():
        print(f"{name:20} {value:6.2f} s")
    print(f"predict / bare script  {seconds['lss predict'] / seconds['bare script']:.2f}")
    print(f"Keras / predict        {seconds['bare script, Keras'] / seconds['lss predict']:.2f}")
    print(f"help / imports         {seconds['lss --help'] / seconds['import typer, rich']:.2f}")


def measure(ways: dict[str, list[str]]) -> dict[str, float]:
    """Medians; in turn, so that a drift of the machine's speed meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            run = subprocess.run(way, capture_output=True, text=True, check=False)
            assert run.returncode == 0, run.stderr[-2000:]
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}


def save_network(path: Path) -> None:
    """An untrained network of the shipped model's make, in a process of its own."""
    code = (
        "import sys; sys.path[:0] = [sys.argv[2]]\n"
        "from tests.benchmarks.networks import like_the_shipped\n"
        "like_the_shipped().save(sys.argv[1])\n"
    )
    root = str(Path(__file__).parents[2])
    subprocess.run([sys.executable, "-c", code, str(path), root], check=True, capture_output=True)


if __name__ == "__main__":
    main()

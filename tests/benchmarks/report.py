"""How fast `lss report` is, against other ways over the same studies, in one run.

    python tests/benchmarks/report.py [--studies 200]

Prints studies per second and ratios. Nothing here passes or fails.
"""

import argparse
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lss_cli.anatomy import Condition, Level
from lss_cli.model.find import find_model
from lss_cli.model.inputs import model_input
from lss_cli.model.session import load_model
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.points.table import read_points
from lss_cli.study.pixels import read_pixels
from lss_cli.study.study import read_study

LSS = "from lss_cli.cli.main import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        studies, coords = phantoms(data, options.studies)
        ways = {
            "floor (read, decode, run; one process)": lambda: floor(studies, coords),
            "lss report, 1 worker": lambda: report(studies, coords, data, 1),
            "lss report, 2 workers": lambda: report(studies, coords, data, 2),
        }
        rates = {name: [] for name in ways}
        # In turn, so that a drift of the machine's speed meets all alike.
        for _ in range(options.repeats):
            for name, way in ways.items():
                rates[name].append(options.studies / timed(way))
        few = sorted(studies.iterdir())[:10]
        rates["lss predict, once per study"] = [len(few) / timed(lambda: predict(few, coords))]
        rates["TensorFlow and Keras, plain loop"] = [keras_rate(studies, coords)]
        base = np.median(rates["floor (read, decode, run; one process)"])
        for name, values in rates.items():
            rate = np.median(values)
            print(f"{name:40} {rate:8.1f} studies/s  {rate / base:6.2f} × floor")


def phantoms(folder: Path, count: int) -> tuple[Path, Path]:
    """Copies of ten phantoms: axial only, 192², 15 slices."""
    write_phantoms(folder / "ten", 10, seed=1, sagittal=False, matrix=192, slices=3)
    originals = sorted((folder / "ten" / "train_images").iterdir())
    header, *rows = (folder / "ten" / "train_label_coordinates.csv").read_text().splitlines()
    table = [header]
    for number in range(count):
        original = originals[number % 10]
        shutil.copytree(original, folder / "studies" / f"s{number:05d}")
        table += [
            row.replace(original.name, f"s{number:05d}", 1)
            for row in rows
            if row.startswith(original.name)
        ]
    (folder / "coords.csv").write_text("\n".join(table) + "\n")
    return folder / "studies", folder / "coords.csv"


def timed(way: Callable[[], object]) -> float:
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


def report(studies: Path, coords: Path, folder: Path, workers: int) -> None:
    lss("report", studies, "--coords", coords, "--out", folder / "r.csv", "--workers", workers)


def predict(studies: list[Path], coords: Path) -> None:
    for study in studies:
        lss("predict", study, "--coords", coords)


def lss(*arguments: object) -> None:
    subprocess.run(
        [sys.executable, "-c", LSS, *map(str, arguments)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def inputs(study: Path, points: list, spec) -> tuple[np.ndarray, np.ndarray]:
    dicom_study = read_study(study)
    read = functools.cache(read_pixels)
    images, coords = [], []
    for point in points:
        place = dicom_study.locate(point.series_id, point.instance_number)
        image, where = model_input(
            place.read_slices(spec.neighbours, read),
            place.orient_point((point.x, point.y)),
            spec,
            side=point.condition.side,
            mirror=point.condition is Condition.RIGHT_SUBARTICULAR,
        )
        images.append(image)
        coords.append(where)
    return np.stack(images), np.stack(coords)


def by_study(coords: Path) -> dict[str, list]:
    points: dict[str, list] = {}
    for point in read_points(coords)[0]:
        points.setdefault(point.study_id, []).append(point)
    return points


def floor(studies: Path, coords: Path) -> None:
    """In a process of its own, as the others are, with one thread for the model."""
    code = (
        "import sys; sys.path[:0] = [sys.argv[3]]\n"
        "from pathlib import Path; from tests.benchmarks import report\n"
        "report.floor_here(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    root = Path(__file__).parents[2]
    arguments = [sys.executable, "-c", code, str(studies), str(coords), str(root)]
    subprocess.run(arguments, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def floor_here(studies: Path, coords: Path) -> None:
    model = load_model(find_model("default"), threads=1)
    points = by_study(coords)
    for study in sorted(studies.iterdir()):
        images, where = inputs(study, points[study.name], model.metadata.input)
        model.probabilities(images, where, [point.level for point in points[study.name]])


def keras_rate(studies: Path, coords: Path, count: int = 40) -> float:
    """Studies per second of a loop that calls `predict` of a Keras network of the same make."""
    from tests.benchmarks.networks import like_the_shipped

    spec = load_model(find_model("default")).metadata.input
    network = like_the_shipped()
    points = by_study(coords)
    chosen = sorted(studies.iterdir())[:count]

    def graded(study: Path) -> None:
        given = list(inputs(study, points[study.name], spec))
        if spec.level:
            levels = [point.level.ordinal for point in points[study.name]]
            given.append(np.eye(len(Level), dtype=np.float32)[levels])
        network.predict(given, verbose=0)

    graded(chosen[0])

    def loop() -> None:
        for study in chosen:
            graded(study)

    return len(chosen) / timed(loop)


if __name__ == "__main__":
    main()

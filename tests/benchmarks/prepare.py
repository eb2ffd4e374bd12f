"""What `lss prepare` costs, beside a notebook's way and beside reading alone.

    python tests/benchmarks/prepare.py --studies 50 100 200 400 800

Writes phantoms in RSNA's layout (axial series only, 192², 15 slices), and times in one run

- this command: all of `prepare`, from the tables to the finished arrays, without figures;
- the plain way: a loop that reads the files of each label whole, resizes them and appends them to
  a list;
- the floor: the slices that are needed, each read and decoded once, by as many processes.

All of them find the files in the page cache. Every round times all three one after the other, so
that what else the machine does touches them alike; ratios are medians over the rounds. On a busy
machine the ratio of the processor seconds, children included, says more than that of the clock.
"""

import argparse
import csv
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

from lss_cli.anatomy import Condition
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.model.spec import InputSpec
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.processors import processors

# Studies that are drawn; the others are copies of them under other ids.
DISTINCT = 25

SIDES = (Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR)
SIZE = PrepareOptions().spec.size
Needed = dict[str, list[list[Path]]]
"""By study: for each of its labels, the files it needs."""


def write_set(folder: Path, studies: int) -> None:
    """Write `studies` phantom studies as real files."""
    drawn = folder.parent / "drawn"
    if not drawn.exists():
        write_phantoms(drawn, DISTINCT, seed=1, sagittal=False, matrix=192, slices=3)
    originals = sorted((drawn / "train_images").iterdir())
    names = {str(100_000 + n): originals[n % DISTINCT] for n in range(studies)}
    for name, original in names.items():
        shutil.copytree(original, folder / "train_images" / name)
    for table in drawn.glob("*.csv"):
        with table.open(encoding="utf-8") as file:
            rows = defaultdict(list)
            for row in (reader := csv.DictReader(file)):
                rows[row["study_id"]].append(row)
        with (folder / table.name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, reader.fieldnames or [])
            writer.writeheader()
            for name, original in names.items():
                writer.writerows(row | {"study_id": name} for row in rows[original.name])


def needed(folder: Path, neighbours: int, conditions: Sequence[Condition]) -> Needed:
    """The files of the points and their neighbours, as a notebook finds them."""
    names = {condition.rsna_name for condition in conditions}
    files: Needed = defaultdict(list)
    with (folder / "train_label_coordinates.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["condition"] in names:
                series = folder / "train_images" / row["study_id"] / row["series_id"]
                own = int(row["instance_number"])
                numbers = range(own - neighbours, own + neighbours + 1)
                paths = [path for n in numbers if (path := series / f"{n}.dcm").exists()]
                files[row["study_id"]].append(paths)
    return files


def plain(files: Needed) -> None:
    """A notebook's way."""
    images = []
    for labels in files.values():
        for paths in labels:
            slices = []
            for path in paths:
                pixels = pydicom.dcmread(path).pixel_array.astype(np.float32)
                slices.append(np.asarray(Image.fromarray(pixels).resize(SIZE)))
            images.append(slices)


def read(paths: list[Path]) -> int:
    """Decode some files."""
    return sum(int(pydicom.dcmread(path).pixel_array.size) for path in paths)


def floor(files: Needed, workers: int) -> None:
    """Reading and decoding alone."""
    studies = [sorted({path for label in labels for path in label}) for labels in files.values()]
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(read, studies, chunksize=4))


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of all processors."""
    start, before = time.perf_counter(), sum(os.times()[:4])
    action()
    return time.perf_counter() - start, sum(os.times()[:4]) - before


def main() -> None:
    """Write, time, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--studies", type=int, nargs="+", default=[50, 100, 200, 400, 800])
    parser.add_argument("--workers", type=int, default=processors())
    parser.add_argument("--neighbours", type=int, default=1)
    parser.add_argument("--sides", type=int, choices=(1, 2), default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="Where to write; a temporary folder if not.")
    chosen = parser.parse_args()
    base = chosen.folder or Path(tempfile.mkdtemp(prefix="lss-benchmark-"))
    base.mkdir(exist_ok=True)
    spec = InputSpec(**{**PrepareOptions().spec.to_json(), "neighbours": chosen.neighbours})
    options = PrepareOptions(conditions=SIDES[: chosen.sides], spec=spec)
    slices = 2 * chosen.neighbours + 1
    print(f"{chosen.workers} processes, {chosen.sides} side(s), {slices} slices per input; seconds")
    print(
        "         ------ clock ------  --- processors ----  prepare / floor  plain / prepare  clock"
    )
    print(
        "studies  prepare plain floor  prepare plain floor  clock  processor       clock      again"
    )
    cost = {}
    for studies in chosen.studies:
        source, out = base / f"rsna-{studies}", base / f"out-{studies}"
        if not source.exists():
            write_set(source, studies)
        files = needed(source, chosen.neighbours, options.conditions)

        def run(source: Path = source, out: Path = out) -> None:
            prepare(source, out, options, workers=chosen.workers)

        if not cost:
            run()  # What is loaded once is loaded now.
        rounds = []
        for _ in range(chosen.rounds):
            shutil.rmtree(out, ignore_errors=True)
            times = [
                timed(run),
                timed(lambda: plain(files)),  # noqa: B023
                timed(lambda: floor(files, chosen.workers)),  # noqa: B023
                timed(run),
            ]
            rounds.append(np.array(times))
        shutil.rmtree(out)
        middle = np.median(rounds, axis=0)
        clock = statistics.median(times[0, 0] / times[2, 0] for times in rounds)
        processor = statistics.median(times[0, 1] / times[2, 1] for times in rounds)
        gain = statistics.median(times[1, 0] / times[0, 0] for times in rounds)
        cost[studies] = middle[0]
        walls, works = (
            " ".join(f"{seconds:6.2f}" for seconds in middle[:3, kind]) for kind in (0, 1)
        )
        print(
            f"{studies:7}  {walls}  {works}  {clock:5.2f}  {processor:9.2f}  {gain:10.2f}  "
            f"{middle[3, 0]:9.2f}",
            flush=True,
        )
    for kind, what in enumerate(() if len(cost) < 2 else ("clock", "processors")):
        x, y = np.array(list(cost)), np.array([times[kind] for times in cost.values()])
        slope, start = np.polyfit(x, y, 1)
        rest = np.abs(y - (start + slope * x)).max() / y.max()
        print(
            f"{what}: {start:.2f} s + {1000 * slope:.2f} ms per study; "
            f"no time is further than {rest:.1%} of the longest from this line"
        )
    if not chosen.folder:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()

"""How many studies `lss node` brings to an archive, beside `lss report` on the same studies.

    python -m tests.benchmarks.node --studies 200

Four senders (storescu), one archive (storescp), the shipped model and networks, two workers. The
node is killed `--kills` times meanwhile; no study may be lost or sent twice.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lss_cli.model.find import find_model, models_folder
from lss_cli.phantom.dataset import write_phantoms
from tests.node.many import run_many


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = find_model("default", models_folder())
        write_phantoms(folder / "rsna", 3, seed=8, matrix=192, slices=3)
        (folder / "node").mkdir()
        took, processor_s = run_many(
            folder / "node", folder / "rsna", model, options.studies, options.kills, 2, 20
        )
        print(f"lss node: {options.studies / took:.2f} studies per second, {took:.0f} s")
        if not options.kills:
            print(f"processor time: {processor_s / options.studies:.2f} s for each study")
        code = "from lss_cli.cli.main import main; main()"
        arguments = [folder / "node" / "studies", "--coords", folder / "node" / "coords.csv"]
        arguments += ["--out", folder / "report.csv", "--workers", "2"]
        started, before = time.monotonic(), os.times()
        subprocess.run([sys.executable, "-c", code, "report", *map(str, arguments)], check=True)
        took = time.monotonic() - started
        processor_s = sum(os.times()[2:4]) - sum(before[2:4])
        print(f"lss report: {options.studies / took:.2f} studies per second, {took:.0f} s")
        print(f"processor time: {processor_s / options.studies:.2f} s for each study")


if __name__ == "__main__":
    main()

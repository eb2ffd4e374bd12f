import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lss_cli.dataset import prepared
from lss_cli.dataset.build import INPUTS, UNFINISHED
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.pool import Job
from lss_cli.dataset.prepare import prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.store import IMAGES, LEDGER
from lss_cli.errors import DataError, OutputError
from lss_cli.model.spec import InputSpec
from tests.dataset.handmade import LEFT, RIGHT, clones, image_table

SPEC = InputSpec(size=(16, 16), field_mm=(24, 24))
OPTIONS = PrepareOptions(spec=SPEC)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """The inputs that are read from the source."""
    names: list[str] = []
    run = Job.run

    def remember(job, task):
        names.extend(request.name for request in task.requests.values())
        return run(job, task)

    monkeypatch.setattr(Job, "run", remember)
    return names


class StoppedError(Exception):
    pass


def stop_after(studies: int):
    def progress(done, total):
        if done == studies:
            raise StoppedError

    return progress


def test_several_processes_make_the_same_bytes(tmp_path):
    source = image_table(tmp_path / "in", studies=13)
    prepare(source, tmp_path / "one", OPTIONS)
    prepare(source, tmp_path / "many", OPTIONS, workers=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_what_was_stopped_goes_on_where_it_stood(tmp_path, made):
    source = image_table(tmp_path / "in", studies=10)
    prepare(source, tmp_path / "whole", OPTIONS)
    made.clear()
    for studies in (3, 7):
        with pytest.raises(StoppedError):
            prepare(source, tmp_path / "out", OPTIONS, stop_after(studies))
        with pytest.raises(DataError, match="no complete prepared data"):
            Prepared.open(tmp_path / "out")
    prepare(source, tmp_path / "out", OPTIONS)
    assert sorted(made) == sorted(set(made))
    assert contents(tmp_path / "whole") == contents(tmp_path / "out")


def test_a_run_over_unchanged_input_reads_nothing(tmp_path, made):
    source = image_table(tmp_path / "in", studies=4)
    prepare(source, tmp_path / "out", OPTIONS)
    before = contents(tmp_path / "out")
    made.clear()
    prepare(source, tmp_path / "out", OPTIONS)
    assert not made
    assert contents(tmp_path / "out") == before
    prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC, seed=5, proportions=(1, 1, 1)))
    assert not made


def test_only_what_is_new_is_read(tmp_path, made):
    source = image_table(tmp_path / "in", studies=6, sides=(LEFT, RIGHT))
    prepare(source, tmp_path / "out", OPTIONS)
    made.clear()

    # One image is another, and one study is gone.
    changed = tmp_path / "in" / "1002_0_L.png"
    other = (tmp_path / "in" / "1002_1_L.png").read_bytes()
    changed.write_bytes(other)
    text = source.read_text()
    source.write_text("".join(one for one in text.splitlines(True) if ",1003,10030," not in one))
    prepare(source, tmp_path / "out", OPTIONS)
    assert {name[:4] for name in made} == {"1002"}
    assert not list((tmp_path / "out").glob(f"{UNFINISHED}*"))
    prepare(source, tmp_path / "fresh", OPTIONS)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_sides_that_are_added_are_read_and_the_others_kept(tmp_path, made):
    source = image_table(tmp_path / "in", studies=5, sides=(LEFT, RIGHT))
    mirrored = PrepareOptions(spec=SPEC, mirror=True)
    prepare(source, tmp_path / "fresh", mirrored)
    prepare(source, tmp_path / "out", OPTIONS)
    made.clear()
    prepare(source, tmp_path / "out", mirrored)
    assert made
    assert all("_right_" in name for name in made)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


@pytest.mark.parametrize(
    "change",
    [
        {"size": (8, 8)},
        {"field_mm": (20, 24)},
        {"shift_mm": 1},
        {"neighbours": 0},
        {"view": "slice"},
    ],
)
def test_another_specification_never_uses_a_stale_cache(tmp_path, change):
    source = image_table(tmp_path / "in", studies=3)
    other = PrepareOptions(spec=InputSpec(**{"size": (16, 16), "field_mm": (24, 24)} | change))
    prepare(source, tmp_path / "fresh", other)
    prepare(source, tmp_path / "out", OPTIONS)
    with pytest.raises(StoppedError):
        prepare(source, tmp_path / "out", PrepareOptions(spec=InputSpec()), stop_after(1))
    prepare(source, tmp_path / "out", other)
    assert contents(tmp_path / "fresh") == contents(tmp_path / "out")


def test_images_that_a_power_cut_lost_are_made_again(tmp_path):
    source = image_table(tmp_path / "in", studies=6)
    prepare(source, tmp_path / "whole", OPTIONS)
    with pytest.raises(StoppedError):
        prepare(source, tmp_path / "out", OPTIONS, stop_after(4))
    (store,) = (tmp_path / "out").glob(f"{UNFINISHED}*")
    images = np.load(store / IMAGES, mmap_mode="r+")
    images[7] = 0
    del images
    # The last line of the ledger was cut short as well.
    ledger = store / LEDGER
    ledger.write_bytes(ledger.read_bytes()[:-9])
    prepare(source, tmp_path / "out", OPTIONS)
    assert contents(tmp_path / "whole") == contents(tmp_path / "out")


@pytest.mark.parametrize("damage", [b"", b"no ledger\n", b'{"plan": 1}\n'])
def test_a_damaged_store_is_made_anew(tmp_path, damage):
    source = image_table(tmp_path / "in", studies=3)
    prepare(source, tmp_path / "out", OPTIONS)
    before = contents(tmp_path / "out")
    (tmp_path / "out" / INPUTS / LEDGER).write_bytes(damage)
    prepare(source, tmp_path / "out", OPTIONS)
    assert contents(tmp_path / "out") == before


def test_left_over_files_are_cleared_away(tmp_path):
    source = image_table(tmp_path / "in", studies=2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".lss-abc.csv").write_text("half")
    (tmp_path / "out" / f"{UNFINISHED}123").mkdir()
    prepare(source, tmp_path / "out", OPTIONS)
    assert not list((tmp_path / "out").glob(".lss-*"))


def test_a_full_disk_is_said_and_what_is_done_is_kept(tmp_path, monkeypatch):
    source = image_table(tmp_path / "in", studies=4)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("lss_cli.dataset.pool.write_images", full)
        with pytest.raises(OutputError, match=r"No space left on device.*same command again"):
            prepare(source, tmp_path / "out", OPTIONS)
    prepare(source, tmp_path / "out", OPTIONS)
    Prepared.open(tmp_path / "out")


def test_a_worker_that_dies_is_said(tmp_path, monkeypatch):
    source = image_table(tmp_path / "in", studies=9)

    def die(*_):
        os._exit(9)

    monkeypatch.setattr("lss_cli.dataset.pool.write_images", die)
    with pytest.raises(DataError, match="a worker process died"):
        prepare(source, tmp_path / "out", OPTIONS, workers=2)


def command(source: Path, out: Path) -> list[str]:
    options = ["--size", "16", "--field-mm", "24", "--workers", "2", "--no-figures"]
    program = "from lss_cli.cli.main import main; main()"
    return [sys.executable, "-c", program, "prepare", str(source), "--out", str(out), *options]


def kill_and_go_on(source: Path, out: Path, kills: int, rng: random.Random) -> list[int]:
    """Run with SIGKILL at random moments, then undisturbed; studies in the ledger at each kill."""

    def ledgers() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in out.glob(f"*/{LEDGER}")}

    seen = []
    for _ in range(kills):
        before, until = ledgers(), time.monotonic() + 60
        process = subprocess.Popen(
            command(source, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Before it touches the store it only imports; the moments are spread over what follows.
        while process.poll() is None and ledgers() == before:
            time.sleep(0.005)
            assert time.monotonic() < until
        time.sleep(rng.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if not (out / prepared.REPORT).exists():
            with pytest.raises(DataError):
                Prepared.open(out)
        seen += [len(path.read_text().splitlines()) - 1 for path in ledgers()]
    subprocess.run(command(source, out), check=True, capture_output=True)
    return seen


@pytest.mark.parametrize(
    ("studies", "kills"), [(60, 4), pytest.param(300, 15, marks=pytest.mark.slow)]
)
def test_killed_at_any_moment_it_ends_in_the_same_bytes(tmp_path, phantoms, studies, kills):
    source = clones(phantoms, tmp_path / "rsna", studies)
    subprocess.run(command(source, tmp_path / "whole"), check=True, capture_output=True)
    kill_and_go_on(source, tmp_path / "out", kills, random.Random(studies))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert (
        json.loads((tmp_path / "out" / prepared.REPORT).read_text())["counts"]["used"]
        == 5 * studies
    )

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from lss_cli.dataset import prepared, store
from lss_cli.dataset.inputs import InputMaker
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import TRAIN
from lss_cli.dataset.store import Store
from lss_cli.errors import DataError, OutputError
from lss_cli.files import replacing
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
    make = InputMaker.make

    def remember(maker, task):
        names.extend(request.name for request in task.requests)
        return make(maker, task)

    monkeypatch.setattr(InputMaker, "make", remember)
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
    lines = source.read_text().splitlines(True)
    source.write_text("".join(line for line in lines if ",1003,10030," not in line))
    prepare(source, tmp_path / "out", OPTIONS)
    assert {name[:4] for name in made} == {"1002"}
    prepare(source, tmp_path / "fresh", OPTIONS)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_an_added_side_makes_the_studies_of_the_training_anew_and_keeps_the_others(tmp_path, made):
    source = image_table(tmp_path / "in", studies=5, sides=(LEFT, RIGHT))
    mirrored = PrepareOptions(spec=SPEC, mirror=True)
    prepare(source, tmp_path / "fresh", mirrored)
    prepare(source, tmp_path / "out", OPTIONS)
    made.clear()
    prepare(source, tmp_path / "out", mirrored)
    index = Prepared.open(tmp_path / "out").index
    training = set(index.loc[index["split"] == TRAIN, "study_id"])
    assert 0 < len(training) < 5
    assert {name[:4] for name in made} == training
    assert len(made) == len(set(made)) == 10 * len(training)
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


def stored_files(out: Path) -> list[Path]:
    return sorted((out / prepared.INPUTS).glob("[!.]*.study"))


def test_files_that_a_power_cut_lost_are_made_again(tmp_path, made):
    source = image_table(tmp_path / "in", studies=6)
    prepare(source, tmp_path / "whole", OPTIONS)
    with pytest.raises(StoppedError):
        prepare(source, tmp_path / "out", OPTIONS, stop_after(4))
    empty, cut_short, gone, _ = stored_files(tmp_path / "out")
    empty.write_bytes(b"")
    cut_short.write_bytes(cut_short.read_bytes()[:-9])
    gone.unlink()
    made.clear()
    prepare(source, tmp_path / "out", OPTIONS)
    assert len({name[:4] for name in made}) == 5
    assert contents(tmp_path / "whole") == contents(tmp_path / "out")


@pytest.mark.parametrize("where", ["a study", "the images", "the coordinates"])
def test_what_the_disk_has_damaged_is_made_again(tmp_path, where):
    source = image_table(tmp_path / "in", studies=3)
    prepare(source, tmp_path / "out", OPTIONS)
    before = contents(tmp_path / "out")
    path = {
        "a study": stored_files(tmp_path / "out")[1],
        "the images": tmp_path / "out" / prepared.IMAGES,
        "the coordinates": tmp_path / "out" / prepared.COORDS,
    }[where]
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) * 3 // 4] ^= 4
    path.write_bytes(damaged)
    prepare(source, tmp_path / "out", OPTIONS)
    assert contents(tmp_path / "out") == before


def test_left_over_files_are_cleared_away(tmp_path):
    source = image_table(tmp_path / "in", studies=2)
    inputs = tmp_path / "out" / prepared.INPUTS
    inputs.mkdir(parents=True)
    (tmp_path / "out" / ".lss-abc.csv").write_text("half")
    (inputs / ".lss-abc.study").write_text("half")
    # What versions before 0.2 kept, finished and not.
    (inputs / "ledger.jsonl").write_text("")
    (tmp_path / "out" / ".lss-inputs-123").mkdir()
    prepare(source, tmp_path / "out", OPTIONS)
    prepare(source, tmp_path / "fresh", OPTIONS)
    assert not list((tmp_path / "out").rglob(".lss-*"))
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_a_full_disk_is_said_and_what_is_done_is_kept(tmp_path, monkeypatch, made):
    source = image_table(tmp_path / "in", studies=4)

    @contextmanager
    def full(path):
        with replacing(path) as temporary:
            if len(stored_files(tmp_path / "out")) == 2:
                raise OSError(28, "No space left on device")
            yield temporary

    with monkeypatch.context() as patched:
        patched.setattr(store, "replacing", full)
        with pytest.raises(OutputError, match=r"No space left on device.*same command again"):
            prepare(source, tmp_path / "out", OPTIONS)
    made.clear()
    prepare(source, tmp_path / "out", OPTIONS)
    assert len({name[:4] for name in made}) == 2
    Prepared.open(tmp_path / "out")


def test_a_worker_that_dies_is_said(tmp_path, monkeypatch):
    source = image_table(tmp_path / "in", studies=9)

    def die(*_):
        os._exit(9)

    monkeypatch.setattr(Store, "write", die)
    with pytest.raises(DataError, match="a worker process died"):
        prepare(source, tmp_path / "out", OPTIONS, workers=2)


def command(source: Path, out: Path) -> list[str]:
    options = ["--size", "16", "--field-mm", "24", "--workers", "2", "--no-figures"]
    program = "from lss_cli.cli.main import main; main()"
    return [sys.executable, "-c", program, "prepare", str(source), "--out", str(out), *options]


def kill_and_go_on(source: Path, out: Path, kills: int, rng: random.Random) -> list[int]:
    """Run with SIGKILL at random moments, then undisturbed; files of studies at each kill."""

    def stored() -> set[tuple[str, int]]:
        return {(path.name, path.stat().st_mtime_ns) for path in out.glob("inputs/[!.]*")}

    seen = []
    for _ in range(kills):
        before, until = stored(), time.monotonic() + 60
        process = subprocess.Popen(
            command(source, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Before it touches the store it only imports; the moments are spread over what follows.
        while process.poll() is None and stored() == before:
            time.sleep(0.005)
            assert time.monotonic() < until
        time.sleep(rng.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if not (out / prepared.REPORT).exists():
            with pytest.raises(DataError):
                Prepared.open(out)
        seen.append(len(stored_files(out)))
    subprocess.run(command(source, out), check=True, capture_output=True)
    return seen


@pytest.mark.parametrize(
    ("studies", "kills"), [(60, 4), pytest.param(300, 15, marks=pytest.mark.slow)]
)
def test_killed_at_any_moment_it_ends_in_the_same_bytes(tmp_path, phantoms, studies, kills):
    source = clones(phantoms, tmp_path / "rsna", studies)
    subprocess.run(command(source, tmp_path / "whole"), check=True, capture_output=True)
    seen = kill_and_go_on(source, tmp_path / "out", kills, random.Random(studies))
    assert 0 < min(seen) < studies
    assert seen == sorted(seen)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert (
        json.loads((tmp_path / "out" / prepared.REPORT).read_text())["counts"]["used"]
        == 5 * studies
    )

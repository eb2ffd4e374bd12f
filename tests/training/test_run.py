import json
import shutil
import sys
import zipfile

import pytest

from lss_cli.dataset.prepare import PrepareOptions, prepare
from lss_cli.errors import DataError, OutputError
from lss_cli.training.options import TrainingOptions
from lss_cli.training.run import Run
from lss_cli.training.train import train
from tests.dataset.handmade import image_table
from tests.training.conftest import SPEC, InterruptionError, interrupted_after, quiet


def test_resuming_takes_the_data_that_it_began_with(prepared, larger, tmp_path):
    with pytest.raises(OutputError, match="no run to go on with"):
        train(prepared, tmp_path / "run", TrainingOptions(), quiet, resume=True)
    with pytest.raises(InterruptionError):
        train(prepared, tmp_path / "run", TrainingOptions(epochs=2), interrupted_after(1))
    with pytest.raises(DataError, match="not the data that the run began with"):
        train(larger, tmp_path / "run", TrainingOptions(epochs=2), quiet, resume=True)
    with pytest.raises(DataError, match="another network"):
        train(prepared, tmp_path / "run", TrainingOptions(epochs=2, blocks=2), quiet, resume=True)


def test_a_run_is_never_overwritten(run, prepared):
    before = (run / "model.keras").read_bytes()
    for resume in (False, True):
        with pytest.raises(OutputError, match="already holds a run"):
            train(prepared, run, TrainingOptions(epochs=1), quiet, resume=resume)
    assert (run / "model.keras").read_bytes() == before


def test_other_data_are_refused(run, tmp_path):
    source = image_table(tmp_path / "in", studies=4)
    prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC))
    with pytest.raises(DataError, match="not the data that the run was trained on"):
        Run.open(run).data(tmp_path / "out")
    with pytest.raises(DataError, match="lss prepare"):
        Run.open(run).data(tmp_path / "nowhere")


def test_a_run_that_cannot_be_read_is_refused(run, tmp_path):
    with pytest.raises(DataError, match="no finished run"):
        Run.open(tmp_path)
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "model.keras").write_bytes(b"PK broken")
    with pytest.raises(DataError, match="cannot be read"):
        Run.open(copy)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_network_that_asks_for_much_memory_is_refused(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    with zipfile.ZipFile(run / "model.keras") as file:
        members = {name: file.read(name) for name in file.namelist()}
    config = json.loads(members["config.json"])
    dense = [layer for layer in config["config"]["layers"] if layer["class_name"] == "Dense"]
    dense[0]["config"]["units"] = 2**28
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(copy / "model.keras", "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    with pytest.raises(DataError, match=r"cannot be read.*OOM"):
        Run.open(copy)

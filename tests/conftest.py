import io
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from lss_cli.cli.environment import Environment
from lss_cli.cli.main import main
from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.locate import Locators
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.phantom.study import Phantom
from lss_cli.study.study import Study, read_study
from tests.locate.studies import plan, write_coded_study, write_locators
from tests.models import write_canal_model, write_tiny_model
from tests.processes import wait_for

# How long an example takes says more about what else the machine is doing.
settings.register_profile("lss", deadline=None)
settings.load_profile("lss")

# Started in the background or by some CI, Python is told to ignore Ctrl-C, and so are all that it
# starts. The tests are about what a person at a terminal sees.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory) -> Path:
    """An RSNA folder of one small phantom; read only, copy before changing it."""
    folder = tmp_path_factory.mktemp("phantoms") / "rsna"
    write_phantoms(folder, 1, seed=3, sagittal=False, matrix=160, slices=3)
    return folder


@pytest.fixture
def study(phantoms, tmp_path) -> Path:
    """A copy of the phantom's study folder, free to be damaged."""
    original = next((phantoms / "train_images").iterdir())
    return Path(shutil.copytree(original, tmp_path / original.name))


@pytest.fixture
def coords(phantoms, tmp_path) -> Path:
    """A copy of the phantom's points, free to be damaged."""
    return Path(shutil.copy(phantoms / "train_label_coordinates.csv", tmp_path / "coords.csv"))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A model file with random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="session")
def canal_folder(tmp_path_factory) -> Path:
    """A folder of models that grade together: one for both sides, one for the canal."""
    folder = tmp_path_factory.mktemp("models")
    write_tiny_model(folder / "default.onnx")
    write_canal_model(folder / "canal.onnx")
    return folder


@pytest.fixture(scope="session")
def lss():
    """Run a command as a user would; gives exit code, stdout and stderr.

    What it is to find around it goes by the fields of `Environment`; there is no screen.
    """

    def run(*arguments, **around):
        out, err = io.StringIO(), io.StringIO()
        around = {"variables": {}, "platform": "linux"} | around
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, arguments)), Environment(out, err, **around))
        return int(ended.value.code or 0), out.getvalue(), err.getvalue()

    return run


@pytest.fixture(scope="session")
def coded_phantom() -> Phantom:
    """Whose discs and recesses `coded_study` shows."""
    return plan(1, slices=3)


@pytest.fixture(scope="session")
def coded_study(tmp_path_factory, coded_phantom) -> Study:
    """A study whose pictures say by their brightness where what is."""
    return read_study(write_coded_study(tmp_path_factory.mktemp("coded") / "coded", coded_phantom))


@pytest.fixture(scope="session")
def landmarks(coded_study, tmp_path_factory) -> Landmarks:
    """Of `coded_study`, found by networks that read brightness."""
    return Landmarks(coded_study, Locators.load(write_locators(tmp_path_factory.mktemp("models"))))


@pytest.fixture
def cluster(tmp_path):
    """The address of a Dask scheduler, and the processes of two workers."""
    settings = tmp_path / "scheduler.json"
    # Workers without a nanny: a killed one stays dead, and the other has to do its work.
    programs = [
        ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        *[["dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard"]] * 2,
    ]
    where = ["--scheduler-file", str(settings)]
    # Their processes may run modules of the tests.
    around = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    processes = []
    try:
        for program, *options in programs:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", f"distributed.cli.{program}", *options, *where],
                    cwd=tmp_path,
                    env=around,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            wait_for(settings.exists)
        yield json.loads(settings.read_text())["address"], processes[1:]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


@pytest.fixture
def near_cluster():
    """Start a Dask scheduler with one worker in threads of this process; gives its address."""
    distributed = pytest.importorskip("distributed")
    with ExitStack() as clusters:

        def start(port: int = 0) -> str:
            cluster = distributed.LocalCluster(
                n_workers=1,
                threads_per_worker=1,
                processes=False,
                protocol="tcp",
                host="127.0.0.1",
                scheduler_port=port,
                # Whatever else has its port by default.
                dashboard_address="127.0.0.1:0",
            )
            start.stop = cluster.close
            clusters.callback(cluster.close)
            return cluster.scheduler_address

        yield start


@pytest.fixture(scope="session")
def rsna() -> Path:
    """The real data, where there is any."""
    folder = os.environ.get("LSS_RSNA_DIR")
    if not folder:
        pytest.skip("LSS_RSNA_DIR is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium. Not on every developer's machine, but wherever changes are checked."""
    program = shutil.which("chromium")
    if os.environ.get("CI") != "true":
        pytest.importorskip("playwright")
        if not program:
            pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=[*switches, "--no-first-run"]
        )
        yield started
        started.close()

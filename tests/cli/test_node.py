import json
import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("pynetdicom")

from lss_cli.cli.node import parse_size
from lss_cli.extras import is_installed
from lss_cli.node.register import State, StudyRegister
from lss_cli.node.spool import register_path
from tests.node.conftest import HERE, free_port, wait_for


@pytest.fixture
def spool(tmp_path):
    """Of a node that has one study that failed, and one that waits to be sent."""
    register = StudyRegister(register_path(tmp_path))
    for uid in ("1.2.3", "1.2.4"):
        register.note_file(uid, f"{uid}.1", f"{uid}.1.1", "a", 10, now=100)
    failed, waiting = register.settle(100, 200)
    register.move(failed, State.FAILED, "no axial T2 [series].", now=300)
    register.move(waiting, State.WAITING, "points to be set.", now=300)
    register.close()
    return tmp_path


def test_status_lists_the_studies(lss, spool):
    code, out, err = lss("node", "--status", "--spool", spool)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["Study", "Files", "State", "Since", "Why"]
    assert any("1.2.3 " in line and "no axial T2 [series]." in line for line in lines)
    assert lines[-1] == "2 studies: 1 failed, 1 waiting for review."


def test_status_as_json(lss, spool):
    code, out, _ = lss("node", "--status", "--json", "--spool", spool)
    assert code == 0
    studies = {entry["study"]: entry for entry in json.loads(out)}
    assert studies["1.2.4"]["state"] == "waiting for review"
    assert studies["1.2.4"]["reason"] == "points to be set."
    assert studies["1.2.4"]["files"] == 1


def test_a_folder_without_a_node_has_no_status(lss, tmp_path):
    code, _, err = lss("node", "--status", "--spool", tmp_path)
    assert code == 3 and "no lss node has used this folder" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the archive is missing"),
        (["--archive", "PACS"], "'PACS' names no DICOM node. Write it as AET@HOST:PORT."),
        (["--archive", "PACS@host:0"], "names no DICOM node"),
        (["--archive", "A" * 17 + "@host:104"], "is no AE title"),
        (["--archive", "PACS@127.0.0.1:104", "--from", "MR"], "Write it as AET@HOST."),
        (["--archive", "PACS@127.0.0.1:104", "--limit", "lots"], "is no size"),
        (["--archive", "PACS@127.0.0.1:104", "--tls-cert", "a.pem"], "TLS needs all three"),
        (["--json"], "--json goes with --status"),
    ],
)
def test_wrong_usage_is_said(lss, arguments, message, tmp_path):
    code, _, err = lss("node", *arguments, "--spool", tmp_path / "spool")
    assert code == 2 and message in err
    assert not (tmp_path / "spool").exists()


def test_without_pynetdicom_it_says_how_to_install_it(lss):
    code, _, err = lss(
        "node",
        "--archive",
        "PACS@127.0.0.1:104",
        is_installed=lambda name: name != "pynetdicom" and is_installed(name),
    )
    assert code == 3 and "needs pynetdicom" in err and "[node]" in err


def test_a_table_that_does_not_name_its_studies_is_refused(lss, tmp_path, coords, tiny_model):
    text = coords.read_text().splitlines()
    (tmp_path / "one.csv").write_text(
        "\n".join(line.partition(",")[2] for line in text if line) + "\n"
    )
    code, _, err = lss(
        "node",
        *("--archive", "PACS@127.0.0.1:104", "--spool", tmp_path / "spool"),
        *("--coords", tmp_path / "one.csv", "--model", tiny_model),
    )
    assert code == 3 and "a row does not say of which study it is" in err


@pytest.mark.parametrize(
    ("text", "size"), [("10", 10), ("2k", 2048), ("1.5G", 3 * 2**29), ("3 MiB", 3 * 2**20)]
)
def test_sizes(text, size):
    assert parse_size(text) == size


def test_the_command_runs_until_it_is_told_to_end(tmp_path, tiny_model):
    port = free_port()
    code = "from lss_cli.cli.main import main; main()"
    options = ["--archive", f"PACS@{HERE}:104", "--spool", tmp_path / "spool"]
    options += ["--port", port, "--model", tiny_model]
    process = subprocess.Popen(
        [sys.executable, "-c", code, "node", *map(str, options)],
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stderr.readline()
    assert f"LSS listens on {HERE}:{port}." in line
    wait_for(lambda: register_path(tmp_path / "spool").exists())
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(30) == 0
    process.stderr.close()

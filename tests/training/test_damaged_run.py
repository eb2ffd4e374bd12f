"""Damaged run folders: opened, or refused with a message."""

import json
import random
import shutil
import zipfile

import keras
import pytest

from lss_cli.errors import DataError
from lss_cli.model.ood import OodStatistics
from lss_cli.training.ensemble import open_runs
from lss_cli.training.export import _metadata
from lss_cli.training.run import CONFIG, METRICS, MODEL, Run, begun_options
from tests.json_documents import places

ODD = [None, True, -1, 1e300, float("nan"), 10**400, "", "x" * 300, "\ud800", "\x1b", [], {}, [[]]]


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run, tmp_path / "run")


@pytest.fixture
def quick(run, monkeypatch):
    """The network is read once: its file is whole in most tests."""
    network = keras.saving.load_model(run / MODEL, compile=False)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: network)
    monkeypatch.setattr(OodStatistics, "fit", lambda *_: None)


def use(folder, data):
    """Whatever export takes from a run."""
    opened = Run.open(folder)
    _metadata(opened, opened.data(data.folder), 0.0, "a", "b", "c", "float32").to_json().encode()


@pytest.mark.parametrize("name", [CONFIG, METRICS])
def test_odd_entries(copy, prepared, quick, name):
    original, refused = (copy / name).read_text(), 0
    for seed in range(100):
        draw = random.Random(seed)
        document = json.loads(original)
        *path, last = draw.choice([path for path in places(document) if len(path) < 4])
        parent = document
        for key in path:
            parent = parent[key]
        if draw.random() < 0.3:
            del parent[last]
        else:
            parent[last] = draw.choice(ODD)
        (copy / name).write_text(json.dumps(document))
        try:
            use(copy, prepared)
        except DataError as error:
            refused += 1
            assert str(error).isprintable()
        except Exception as fault:
            raise AssertionError(f"seed {seed}") from fault
    assert refused > 5


@pytest.mark.parametrize("name", [CONFIG, METRICS])
@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b"\0", b"[" * 100_000, b"5"])
def test_files_that_hold_something_else(copy, prepared, quick, name, content):
    (copy / name).write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        use(copy, prepared)


def test_damaged_networks(copy):
    original = (copy / MODEL).read_bytes()
    for seed in range(6):
        draw = random.Random(seed)
        content = bytearray(original)
        for _ in range(draw.choice([1, 5, 50])):
            content[draw.choice([draw.randrange(len(content)), draw.randrange(3000)])] ^= 0xFF
        (copy / MODEL).write_bytes(content[: draw.choice([len(content), len(content) // 2])])
        try:
            Run.open(copy)
        except DataError as error:
            assert str(error).isprintable()


def test_a_network_that_unpacks_to_much_is_refused_unread(copy):
    with zipfile.ZipFile(copy / MODEL, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", b" " * 2**24)
    with pytest.raises(DataError, match="would take 16,777,216 bytes"):
        Run.open(copy)


def test_a_configuration_of_another_network(copy, quick):
    config = json.loads((copy / CONFIG).read_text())
    config["input"]["size"] = [32, 32]
    (copy / CONFIG).write_text(json.dumps(config))
    with pytest.raises(DataError, match="other inputs or outputs"):
        Run.open(copy)


@pytest.mark.parametrize("folds", [[], ["a"], "fold_0", [1, 2], ["fold_0", "../../x"], {"a": 1}, 5])
def test_odd_folds(copy, prepared, folds):
    config = json.loads((copy / CONFIG).read_text()) | {"folds": folds}
    (copy / CONFIG).write_text(json.dumps(config))
    if folds:
        with pytest.raises(DataError):
            open_runs([copy], prepared.folder)


def test_odd_options_of_a_run_that_is_not_finished(tmp_path):
    (tmp_path / "state").mkdir()
    for content in ("", "[]", "{}", '{"options": 5, "fingerprint": ""}', "[" * 100_000):
        (tmp_path / "state" / CONFIG).write_text(content)
        with pytest.raises(DataError, match="cannot be read"):
            begun_options(tmp_path)

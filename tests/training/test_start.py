import json
import socket
import time
from urllib.error import URLError

import h5py
import keras
import pytest
from keras.src.legacy.saving import legacy_h5_format

from lss_cli.errors import UsageError
from lss_cli.training import imagenet
from lss_cli.training.options import TrainingOptions
from lss_cli.training.start import choose_start, describe_weights
from lss_cli.training.train import train
from tests.training.conftest import InterruptionError, interrupted_after, quiet


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """A cache of Keras' own, empty."""
    folder = tmp_path / "keras"
    (folder / "models").mkdir(parents=True)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(folder))
    return folder


@pytest.fixture
def cached(keras_home):
    """What Keras would have fetched for MobileNet, which it takes without a checksum."""
    keras.utils.set_random_seed(5)
    network = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    with h5py.File(keras_home / "models" / "mobilenet_1_0_224_tf_no_top.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return network


def test_ready_made_networks_start_from_what_keras_has_kept(cached, larger, tmp_path, lss):
    options = ("--data", larger.folder, "--epochs", "1", "--until", "conv1_relu")
    run = tmp_path / "run"
    code, out, err = lss("train", *options, "--backbone", "mobilenet", "--out", run)
    assert code == 0, err
    assert "start: ImageNet" in out
    assert "Warning" not in err
    assert "Fetching" not in err
    config = json.loads((run / "config.json").read_text())
    assert config["start"] == {"weights": "imagenet"}
    assert config["options"]["weights"] == "imagenet"

    training = imagenet.load_imagenet("MobileNet", (32, 32, 3))
    for got, want in zip(training.get_weights(), cached.get_weights(), strict=True):
        assert (got == want).all()

    config.pop("start")
    config["options"]["weights"] = "some/where/w.h5"
    (run / "config.json").write_text(json.dumps(config))
    command = ("compare", run, "--resamples", "10", "--csv", tmp_path / "c.csv")
    code, out, err = lss(*command, "--markdown", tmp_path / "c.md", "--html", tmp_path / "c.html")
    assert code == 0, err
    assert "start" in out
    assert "w.h5" in out
    assert (tmp_path / "c.md").read_text().splitlines()[2] == "| start | w.h5 |"
    header, first = (tmp_path / "c.csv").read_text().splitlines()[:2]
    assert header.endswith(",run start")
    assert first.endswith(",w.h5")
    assert "w.h5" in (tmp_path / "c.html").read_text()


def test_without_internet_a_plain_warning_comes_before_random_weights(
    keras_home, larger, tmp_path, lss
):
    options = ("--data", larger.folder, "--epochs", "1", "--until", "conv1_relu")
    options = (*options, "--backbone", "mobilenet", "--out", tmp_path / "run")
    code, out, err = lss("train", *options)
    assert code == 0, err
    warning = err.partition("epoch 1/1")[0]
    assert "Warning: the ImageNet weights of MobileNet cannot be had" in warning
    assert "random weights" in warning
    assert "--weights FILE" in warning
    assert "start: random" in out
    assert not list((keras_home / "models").iterdir())


@pytest.mark.parametrize("asked", [("--weights", "imagenet"), ("--freeze",)])
def test_where_random_weights_are_not_meant_there_is_an_error(
    keras_home, larger, tmp_path, lss, asked
):
    options = ("--data", larger.folder, "--backbone", "mobilenet", "--out", tmp_path / "run")
    code, out, err = lss("train", *options, *asked)
    assert code == 2
    assert "ImageNet weights of MobileNet cannot be had" in err
    assert "--weights FILE" in err
    assert not out
    assert not (tmp_path / "run").exists()


def test_only_auto_weights_are_looked_for():
    for options in (
        TrainingOptions(),
        TrainingOptions(backbone="vgg16", weights="none"),
        TrainingOptions(backbone="vgg16", weights="w.h5"),
    ):
        assert choose_start(options, pytest.fail) == options
    assert describe_weights(TrainingOptions()) == {"weights": "none"}


def test_what_is_fetched_is_told_and_not_printed_among_results(monkeypatch, capsys):
    def fetch(name, origin, **_):
        print("Downloading data from", origin)
        opener = imagenet.urllib.request.urlopen
        with opener(origin):
            raise AssertionError

    told = []
    monkeypatch.setattr("keras.src.applications.mobilenet.file_utils.get_file", fetch)
    monkeypatch.setattr(imagenet, "check_reachable", lambda *_: None)
    monkeypatch.setattr(imagenet.urllib.request, "proxy_bypass", lambda _: True)
    monkeypatch.setattr(
        imagenet.urllib.request.HTTPSHandler,
        "https_open",
        lambda *_: (_ for _ in ()).throw(OSError),
    )
    with pytest.raises(UsageError):
        imagenet.load_imagenet("MobileNet", (32, 32, 3), told.append)
    assert len(told) == 1
    assert "Fetching mobilenet_1_0_224_tf_no_top.h5 from storage.googleapis.com" in told[0]
    assert not capsys.readouterr().out
    assert socket.getdefaulttimeout() is None


def test_a_host_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(imagenet, "LONGEST_SEARCH_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        imagenet.check_reachable("127.0.0.1", server.getsockname()[1])
        closed = server.getsockname()[1]
    with pytest.raises(URLError, match="cannot be reached"):
        imagenet.check_reachable("127.0.0.1", closed)

    def look_up_for_long(*_, **__):
        time.sleep(1)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", look_up_for_long)
    began = time.monotonic()
    with pytest.raises(URLError, match=r"storage\.example cannot be reached"):
        imagenet.check_reachable("storage.example", 443)
    assert time.monotonic() - began < 1


def test_a_training_goes_on_from_the_weights_that_it_began_with(
    larger, mobilenet_weights, tmp_path
):
    options = {"backbone": "mobilenet", "epochs": 2, "until": "conv1_relu"}
    with pytest.raises(InterruptionError):
        random = TrainingOptions(**options, weights="none")
        train(larger, tmp_path / "run", random, interrupted_after(1))
    other = TrainingOptions(**options, weights=str(mobilenet_weights))
    with pytest.raises(UsageError, match=r"began from other weights: random.*Leave --weights"):
        train(larger, tmp_path / "run", other, quiet, resume=True)

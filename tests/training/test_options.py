import dataclasses

import pytest

from lss_cli.errors import UsageError
from lss_cli.options import Range, read_toml
from lss_cli.training.options import TrainingOptions
from lss_cli.training.space import default_space, read_space


def test_what_is_written_is_read_again(tmp_path):
    options = TrainingOptions(
        dense=(5, 4), weights='odd "name"\\.h5', freeze=True, learning_rate=3e-5, activation="tanh"
    )
    (tmp_path / "o.toml").write_text(options.to_toml())
    assert TrainingOptions.from_mapping(read_toml(tmp_path / "o.toml"), "o.toml") == options


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bachbone": "vgg16"}, "no option 'bachbone'. Did you mean 'backbone'"),
        ({"backbone": "vgg"}, "'vgg'. Did you mean 'vgg16'.*There is: custom, densenet121"),
        ({"epochs": 0}, "epochs is 0, it can be 1 to"),
        ({"epochs": 2.5}, "int wanted"),
        ({"epochs": True}, "int wanted"),
        ({"freeze": 1}, "bool wanted"),
        ({"dropout": "much"}, "float wanted"),
        ({"dropout": float("nan")}, "it can be 0 to 0.95"),
        ({"dense": "64,many"}, "whole numbers wanted"),
        ({"dense": [64, 0]}, "it can be 1 to"),
        ({"freeze": True}, "knows nothing.*--weights imagenet or --weights FILE"),
        ({"freeze": True, "fine_tune_epochs": 2, "weights": "w.h5"}, "contradict"),
        ({"freeze": True, "cutmix": 0.5, "weights": "w.h5"}, "hands on features"),
        ({"mixup": 0.6, "cutmix": 0.6}, "sum to 1"),
        ({"weights": "imagenet"}, "no ImageNet weights"),
    ],
)
def test_what_cannot_be_is_refused(values, message):
    with pytest.raises(UsageError, match=message):
        TrainingOptions.from_mapping(values, "file.toml")


def test_every_option_explains_itself():
    for name, field in TrainingOptions.option_fields().items():
        assert field.metadata["text"].endswith("."), name


def test_what_the_study_varied_is_searched():
    space = default_space(TrainingOptions())
    assert {
        *("activation", "batch_size", "blocks", "filters", "dense", "coordinates"),
        *("optimizer", "schedule", "weight_decay", "dropout", "loss", "mixup", "cutmix"),
        *("augment", "learning_rate", "epochs", "strategy"),
    } <= set(space)
    assert space["activation"] == ("relu", "tanh", "leaky_relu", "sigmoid")
    assert space["batch_size"] == (16, 32, 64, 100)
    assert space["epochs"] == (10, 12, 16)
    assert space["strategy"] == ("random", "stratified", "equal-train")
    assert "blocks" not in default_space(TrainingOptions(backbone="vgg16"))
    frozen = TrainingOptions(backbone="vgg16", weights="w.h5", freeze=True)
    assert "cutmix" not in default_space(frozen)
    for name, search in space.items():
        ends = (search.low, search.high) if isinstance(search, Range) else search
        for value in ends:
            assert dataclasses.replace(TrainingOptions(), **{name: value}), name


def test_a_space_file_holds_lists_and_ranges(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(
        'activation = ["relu", "tanh"]\ndense = [[64], [128, 64]]\n'
        "learning_rate = {low = 1e-4, high = 1e-2, log = true}\nblocks = {low = 2, high = 4}\n"
    )
    assert read_space(path) == {
        "activation": ("relu", "tanh"),
        "dense": ((64,), (128, 64)),
        "learning_rate": Range(1e-4, 1e-2, True),
        "blocks": Range(2, 4),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "space is empty"),
        ("activations = [1]", "Did you mean 'activation'"),
        ('activation = ["rely"]', "Did you mean 'relu'"),
        ("activation = []", "nothing to search"),
        ("dropout = {low = 0.5, high = 0.1}", "nothing to search"),
        ("dropout = {low = 0, high = 0.1, log = true}", "nothing to search"),
        ("dropout = {lowest = 0}", "nothing to search"),
        ("dropout = {low = 0, high = 7}", "it can be 0 to 0.95"),
        ("= 3", "cannot be read"),
    ],
)
def test_a_space_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "space.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_space(path)

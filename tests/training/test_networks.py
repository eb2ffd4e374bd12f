import keras
import pytest

from lss_cli.errors import UsageError
from lss_cli.input_spec import InputSpec
from lss_cli.training.networks import build_network


def layers(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_the_custom_network_is_the_one_of_the_study():
    network = build_network("custom", InputSpec(size=(48, 32), neighbours=2))
    shapes = {one.name: one.shape for one in network.inputs}
    assert shapes == {"image": (None, 32, 48, 5), "coords": (None, 2)}
    for kind in (
        keras.layers.Conv2D,
        keras.layers.BatchNormalization,
        keras.layers.MaxPooling2D,
    ):
        assert len(layers(network, kind)) == 3
    assert len(layers(network, keras.layers.Flatten)) == 1
    nodes = {layer.name: layer.units for layer in layers(network, keras.layers.Dense)}
    assert nodes == {
        "coordinates_1": 2,
        "coordinates_2": 4,
        "coordinates_3": 2,
        "head_1": 128,
        "head_2": 64,
        "prob": 3,
    }
    assert not layers(network, keras.layers.Lambda)


def test_the_level_is_an_input_where_the_specification_has_it():
    network = build_network("custom", InputSpec(size=(16, 16), level=True))
    assert [one.name for one in network.inputs] == ["image", "coords", "level"]


def test_an_unknown_backbone_is_named_with_those_that_exist():
    with pytest.raises(UsageError, match=r"'custon'. Did you mean 'custom'.*There is: custom"):
        build_network("custon", InputSpec())

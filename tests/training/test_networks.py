import keras
import numpy as np
import pytest

from lss_cli.errors import DataError, UsageError
from lss_cli.model.spec import InputSpec
from lss_cli.training.backbones import APPLICATIONS, freeze_until, inner_layers
from lss_cli.training.networks import (
    backbone_of,
    build_network,
    feature_network,
    head_network,
    with_tta,
)
from lss_cli.training.options import TrainingOptions

SMALL = InputSpec(size=(32, 32))


def layers(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def inputs_for(spec, count=2, seed=0):
    random = np.random.default_rng(seed)
    made = [random.random((count, *spec.shape)), random.random((count, 2))]
    if spec.level:
        made.append(np.eye(5)[:count])
    return [values.astype(np.float32) for values in made]


def test_the_custom_network_is_the_one_of_the_study():
    network = build_network(TrainingOptions(), InputSpec(size=(48, 32), neighbours=2))
    shapes = {tensor.name: tensor.shape for tensor in network.inputs}
    assert shapes == {"image": (None, 32, 48, 5), "coords": (None, 2)}
    backbone = backbone_of(network)
    for kind in (
        keras.layers.Conv2D,
        keras.layers.BatchNormalization,
        keras.layers.MaxPooling2D,
    ):
        assert len(layers(backbone, kind)) == 3
    assert len(layers(backbone, keras.layers.Flatten)) == 1
    nodes = {layer.name: layer.units for layer in layers(network, keras.layers.Dense)}
    assert nodes == {
        "standardised_coords": 2,
        "coordinates_1": 2,
        "coordinates_2": 4,
        "coordinates_3": 2,
        "head_1": 128,
        "head_2": 64,
        "prob": 3,
    }


def test_its_parts_are_options():
    options = TrainingOptions(
        blocks=2, filters=4, dense=(8,), coordinates=(3,), activation="tanh", dropout=0.5
    )
    network = build_network(options, SMALL)
    filters = [layer.filters for layer in layers(backbone_of(network), keras.layers.Conv2D)]
    assert filters == [4, 8]
    dense = layers(network, keras.layers.Dense)
    assert [(layer.name, layer.units) for layer in dense] == [
        ("standardised_coords", 2), ("coordinates_1", 3), ("head_1", 8), ("prob", 3),
    ]  # fmt: skip
    assert all(layer.activation is keras.activations.tanh for layer in dense[1:3])
    assert len(layers(network, keras.layers.Dropout)) == 1


def test_the_level_is_an_input_where_the_specification_has_it():
    network = build_network(TrainingOptions(), InputSpec(size=(16, 16), level=True))
    assert [tensor.name for tensor in network.inputs] == ["image", "coords", "level"]


def test_no_code_is_kept_in_a_network():
    for slices in ("channels", "sequence"):
        network = build_network(
            TrainingOptions(backbone="mobilenet", weights="none", slices=slices), SMALL
        )
        assert not layers(network, keras.layers.Lambda)
        assert not layers(backbone_of(network), keras.layers.Lambda)


@pytest.mark.parametrize("name", ["custom", "mobilenet", "inception_v3"])
def test_images_too_small_for_a_backbone_are_refused_with_the_size_it_wants(name):
    options = TrainingOptions(backbone=name, blocks=5)
    smallest = APPLICATIONS[name].smallest if name in APPLICATIONS else 32
    with pytest.raises(UsageError, match=f"of {smallest} pixels.*have 24 × 40.*--size {smallest}"):
        build_network(options, InputSpec(size=(24, 40)))


@pytest.mark.parametrize("normalise", ["percentile", "zscore"])
@pytest.mark.parametrize(
    ("backbone", "preprocess"),
    [
        ("mobilenet", keras.applications.mobilenet.preprocess_input),
        ("densenet121", keras.applications.densenet.preprocess_input),
    ],
)
def test_images_are_scaled_as_the_weights_expect(backbone, preprocess, normalise):
    network = build_network(
        TrainingOptions(backbone=backbone, weights="none"),
        InputSpec(size=(32, 32), normalise=normalise),
    )
    inside = backbone_of(network)
    scaled = keras.Model(inside.input, inside.get_layer("scaling").output)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    grey = inputs_for(SMALL)[0]
    pixels = grey * deviation + mean if normalise == "zscore" else grey
    assert scaled(grey).numpy() == pytest.approx(preprocess(pixels * 255), abs=1e-4)


def test_networks_trained_on_blue_green_red_get_the_mean_of_each_place():
    inside = backbone_of(build_network(TrainingOptions(backbone="vgg16", weights="none"), SMALL))
    scaled = keras.Model(inside.input, inside.get_layer("scaling").output)
    grey = inputs_for(SMALL)[0]
    expected = keras.applications.vgg16.preprocess_input(255 * grey[..., ::-1])
    assert scaled(grey).numpy() == pytest.approx(expected, abs=1e-3)


def test_efficientnet_scales_as_keras_does_with_downloaded_weights():
    """Keras divides by the root of the deviation again; here that happens before the network."""
    inside = backbone_of(
        build_network(TrainingOptions(backbone="efficientnet_b0", weights="none"), SMALL)
    )
    ready = next(layer for layer in inside.layers if isinstance(layer, keras.Model))
    normalisation = next(
        layer for layer in ready.layers if isinstance(layer, keras.layers.Normalization)
    )
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    scaled = keras.Model(inside.input, inside.get_layer("scaling").output)
    grey = inputs_for(SMALL)[0]
    own = (scaled(grey).numpy() / 255 - mean) / deviation
    assert own == pytest.approx((grey - mean) / deviation / np.sqrt(deviation), abs=1e-3)
    assert normalisation in ready.layers


@pytest.mark.parametrize("neighbours", [0, 2])
def test_any_number_of_slices_becomes_three_channels(neighbours):
    spec = InputSpec(size=(32, 32), neighbours=neighbours)
    inside = backbone_of(build_network(TrainingOptions(backbone="mobilenet", weights="none"), spec))
    colours = keras.Model(inside.input, inside.get_layer("colours").output)
    image = inputs_for(spec)[0]
    middle = image[..., neighbours]
    above = image[..., : neighbours or 1].mean(axis=-1)
    below = image[..., neighbours + 1 :].mean(axis=-1) if neighbours else middle
    expected = np.stack([above, middle, below], axis=-1)
    assert colours(image).numpy() == pytest.approx(expected, abs=1e-5)


def test_slices_in_a_sequence_go_through_one_backbone():
    spec = InputSpec(size=(16, 16), neighbours=1)
    network = build_network(TrainingOptions(slices="sequence", lstm=7), spec)
    assert backbone_of(network).input.shape == (None, 16, 16, 1)
    assert network.get_layer("features").output.shape[1] == 3
    (lstm,) = layers(network, keras.layers.LSTM)
    assert lstm.units == 7
    image, coords = inputs_for(spec)
    assert network([image, coords]).shape == (2, 3)
    swapped = network([image[..., ::-1], coords]).numpy()
    assert abs(network([image, coords]).numpy() - swapped).max() > 1e-6


@pytest.mark.parametrize("slices", ["channels", "sequence"])
def test_features_and_head_make_the_whole(slices):
    spec = InputSpec(size=(16, 16), level=True)
    network = build_network(TrainingOptions(slices=slices), spec)
    image, *rest = inputs_for(spec)
    features = feature_network(network)(image).numpy()
    parts = head_network(network)([features, *rest]).numpy()
    assert parts == pytest.approx(network([image, *rest]).numpy(), abs=1e-6)
    head = {layer.name for layer in head_network(network).layers}
    assert "backbone" not in head
    assert head_network(network).get_layer("prob") is network.get_layer("prob")


def test_weights_are_loaded_from_a_file(mobilenet_weights):
    options = TrainingOptions(backbone="mobilenet", weights=str(mobilenet_weights))
    inside = backbone_of(build_network(options, SMALL))
    ready = next(layer for layer in inside.layers if isinstance(layer, keras.Model))
    expected = keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    expected.load_weights(mobilenet_weights)
    for got, want in zip(ready.get_weights(), expected.get_weights(), strict=True):
        assert (got == want).all()


def test_weights_of_another_network_are_refused(mobilenet_weights, tmp_path):
    with pytest.raises(DataError, match="not the weights of VGG16"):
        build_network(TrainingOptions(backbone="vgg16", weights=str(mobilenet_weights)), SMALL)
    with pytest.raises(DataError, match="no such weights file"):
        build_network(TrainingOptions(backbone="vgg16", weights=str(tmp_path / "no.h5")), SMALL)
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(DataError, match=r"cannot be read"):
        build_network(TrainingOptions(backbone="vgg16", weights=str(tmp_path / "text.h5")), SMALL)


def test_without_a_network_the_file_is_asked_for(monkeypatch):
    def offline(*_, **__):
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", offline)
    monkeypatch.setattr("keras.src.applications.mobilenet.file_utils.get_file", offline)
    with pytest.raises(UsageError, match=r"cannot be had.*--weights FILE"):
        build_network(
            TrainingOptions(backbone="mobilenet", weights="imagenet"), InputSpec(size=(224, 224))
        )


def test_layers_before_a_name_are_frozen():
    inside = backbone_of(
        build_network(TrainingOptions(backbone="mobilenet", weights="none"), SMALL)
    )
    freeze_until(inside, "conv_dw_13")
    names = [layer.name for layer in inner_layers(inside)]
    at = names.index("conv_dw_13")
    assert not any(layer.trainable for layer in inner_layers(inside)[:at])
    assert all(layer.trainable for layer in inner_layers(inside)[at:])
    trained = len(inside.trainable_variables)
    assert 0 < trained < 20
    freeze_until(inside, "")
    assert len(inside.trainable_variables) > trained
    with pytest.raises(UsageError, match=r"no layer 'conv_dw_14'. Did you mean 'conv_dw_"):
        freeze_until(inside, "conv_dw_14")


def test_a_backbone_can_end_at_a_layer(mobilenet_weights):
    options = {"backbone": "mobilenet", "weights": str(mobilenet_weights)}
    whole = build_network(TrainingOptions(**options), SMALL)
    short = build_network(TrainingOptions(**options, until="conv_pw_5_relu"), SMALL)
    names = [layer.name for layer in inner_layers(backbone_of(short))]
    whole_names = [layer.name for layer in inner_layers(backbone_of(whole))]
    assert names[1:] == whole_names[1 : len(names)]
    assert names[-1] == "conv_pw_5_relu"
    assert feature_network(short).output.shape == (None, 256)
    with pytest.raises(UsageError, match=r"no layer 'conv_pw_5_rely'.*conv_pw_5_relu"):
        build_network(TrainingOptions(**options, until="conv_pw_5_rely"), SMALL)
    with pytest.raises(UsageError, match="--blocks"):
        TrainingOptions(until="conv_pw_5_relu")


def test_views_shift_the_field_and_are_averaged():
    spec = InputSpec(size=(16, 12), field_mm=(16, 12))
    network = build_network(TrainingOptions(), spec)
    image, coords = inputs_for(spec)
    averaged = with_tta(network, 3, spec)([image, coords]).numpy()
    left, right = np.zeros_like(image), np.zeros_like(image)
    right[:, :, 2:], left[:, :, :-2] = image[:, :, :-2], image[:, :, 2:]
    answers = [network([view, coords]).numpy() for view in (image, left, right)]
    assert averaged == pytest.approx(np.mean(answers, axis=0), abs=1e-6)
    assert with_tta(network, 1, spec) is network

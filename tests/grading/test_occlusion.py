"""The occlusion map shows the place that a network looks at."""

from pathlib import Path

import numpy as np
import pytest

from lss_cli.anatomy import Level
from lss_cli.grading.occlusion import explain_grade, occlusion_map
from lss_cli.model.network import Network
from lss_cli.model.session import Model, load_model
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study
from tests.models import metadata


class LooksAtOnePlace:
    """The brighter rows 5 to 8 and columns 20 to 23 are, the more severe."""

    def run(self, _, feeds, __):
        bright = feeds["image"][:, 5:9, 20:24].mean(axis=(1, 2, 3))
        return [np.stack([1 - bright, bright * 0, bright], axis=1).astype(np.float32)]


def test_the_map_is_highest_where_the_network_looks():
    image = np.zeros((24, 32, 3), np.float32)
    image[5:9, 20:24] = 0.9
    model = Model(Network(Path("model.onnx"), 64 * "0", "", LooksAtOnePlace()), metadata())
    importance = occlusion_map(image, np.zeros(2, np.float32), Level.L4_L5, model)
    assert importance.shape == (24, 32)
    row, column = np.unravel_index(importance.argmax(), importance.shape)
    assert 3 <= row <= 10
    assert 18 <= column <= 25
    assert abs(importance[16:, :12]).max() < 0.01


class HidesModerate:
    """The brighter the place, the likelier Moderate; Normal/Mild is likelier always."""

    def run(self, _, feeds, __):
        moderate = 0.4 * feeds["image"][:, 5:9, 20:24].mean(axis=(1, 2, 3))
        rest = 1 - moderate
        return [np.stack([rest, moderate, 0 * rest], axis=1).astype(np.float32)]


def test_the_map_is_of_the_grade_and_not_of_the_likeliest():
    image = np.zeros((24, 32, 3), np.float32)
    image[5:9, 20:24] = 0.95
    for weights, sign in (((1, 2, 4), 1), ((1, 1, 1), -1)):
        described = metadata(grade_weights=weights)
        model = Model(Network(Path("model.onnx"), 64 * "0", "", HidesModerate()), described)
        importance = occlusion_map(image, np.zeros(2, np.float32), Level.L4_L5, model)
        assert sign * importance[7, 22] > 0.1


class CountsAndHides(LooksAtOnePlace):
    """The same, and counts the images that it sees."""

    def __init__(self, place):
        self.place, self.seen = place, 0

    def run(self, _, feeds, __=None):
        self.seen += len(feeds["image"])
        bright = feeds["image"][(slice(None), *self.place)].mean(axis=(1, 2, 3))
        return [np.stack([1 - bright, bright * 0, bright], axis=1).astype(np.float32)]


@pytest.mark.parametrize("top", [0, 14, 40, 60])
@pytest.mark.parametrize("left", [0, 33, 76])
def test_few_patches_find_the_place(top, left):
    """Overlapping patches all over would be 180 of this image."""
    place = slice(top, top + 4), slice(left, left + 4)
    image = np.zeros((64, 80, 3), np.float32)
    image[place] = 0.9
    session = CountsAndHides(place)
    model = Model(Network(Path("model.onnx"), 64 * "0", "", session), metadata())
    importance = occlusion_map(image, np.zeros(2, np.float32), Level.L4_L5, model)
    assert session.seen <= 181 / 4
    row, column = np.unravel_index(importance.argmax(), importance.shape)
    assert abs(row - top - 1.5) <= 10 and abs(column - left - 1.5) <= 10


def test_left_and_right_are_as_in_the_slice(study, coords, tiny_model):
    opened, model = read_study(study), load_model(tiny_model)
    points, _ = read_points(coords, [study.name])
    for point in points[:2]:
        saliency = explain_grade(opened, point, model)
        left, _, right, _ = saliency.field
        assert left < saliency.point[0] < right
        # What the network sees is the field of the slice, not its mirror image.
        field = saliency.slice[:, round(left) : round(right)].mean(axis=0)
        seen = saliency.input.mean(axis=0)
        at = np.linspace(0, len(field) - 1, len(seen)).round().astype(int)
        alike = np.corrcoef(field[at], seen)[0, 1]
        assert alike > np.corrcoef(field[at], seen[::-1])[0, 1]

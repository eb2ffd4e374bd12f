import numpy as np
import pytest

from lss_cli.anatomy import Level
from lss_cli.phantom.body import draw_body


@pytest.fixture(scope="module")
def curve():
    return draw_body(np.random.default_rng(1)).curve


def test_locate_undoes_place(curve):
    rng = np.random.default_rng(2)
    uvs = rng.uniform((-40, -30, -20), (40, 50, 170), (200, 3))
    places = np.array([curve.to_patient(*uv) for uv in uvs], dtype=np.float32)
    located = curve.locate(*places.T)
    assert np.abs(np.stack([located.u, located.v, located.s], axis=1) - uvs).max() < 0.3


def test_discs_lie_in_order_and_tilt_more_towards_the_sacrum(curve):
    places = [curve.level(level) for level in Level]
    assert places == sorted(places, reverse=True)
    assert places[-1] == 0
    tilts = np.degrees([curve.tilt(place) for place in places])
    assert tilts[-1] > tilts[-2] > tilts[-3]
    assert 15 < tilts[-1] < 40

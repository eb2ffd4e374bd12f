import numpy as np

from lss_cli.anatomy import Level
from lss_cli.training.locator.phantoms import phantom_pictures


def test_discs_of_phantoms_lie_in_order_and_are_darker_than_the_canal_behind_them():
    for picture in phantom_pictures("sagittal", 1, seed=5):
        steps = np.diff(picture.points, axis=0) * picture.spacing_mm
        assert len(picture.points) == len(Level)
        assert (steps[:, 1] > 15).all() and (np.hypot(*steps.T) < 50).all()


def test_recesses_of_phantoms_lie_beside_the_canal_or_nowhere():
    pictures = phantom_pictures("axial", 1, seed=5)
    shown = [picture for picture in pictures if np.isfinite(picture.points).all()]
    assert shown and all(
        8 < (picture.points[0, 0] - picture.points[1, 0]) * picture.spacing_mm[0] < 25
        for picture in shown
    )
    assert all(
        np.isinf(picture.points).all() or np.isfinite(picture.points).all() for picture in pictures
    )

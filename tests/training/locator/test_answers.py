from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lss_cli.locate.model import to_window
from lss_cli.training.locator.answers import (
    ask,
    is_sure,
    measure,
    reliability,
    summarise,
    sure_from,
)
from lss_cli.training.locator.augment import move_window
from lss_cli.training.locator.fit import make_target
from lss_cli.training.locator.pictures import Picture
from tests.locate.test_model import SPEC, metadata


def answers(errors, confidences):
    """Two landmarks of one picture per patient."""
    return pd.DataFrame(
        {
            "patient": [str(number // 2) for number in range(len(errors))],
            "picture": [f"picture {number // 2}" for number in range(len(errors))],
            "level": ["L1/L2", "L2/L3"] * (len(errors) // 2),
            "error_mm": errors,
            "confidence": confidences,
        }
    )


TABLE = answers([1, 2, 3, 30, np.nan, 5, 1, 1], [0.9, 0.8, 0.9, 0.555, 0.1, 0.9, 0.99, 0.99])


def test_figures_are_those_that_can_be_counted():
    figures = measure(TABLE, 8.0)
    assert figures["patients"] == 4 and figures["landmarks"] == 8
    assert figures["right"]["value"] == pytest.approx(6 / 8)
    # One is another disc's place, one was not found at all.
    assert figures["another_level"]["value"] == pytest.approx(2 / 8)
    assert figures["pictures_right"]["value"] == pytest.approx(2 / 4)
    assert figures["median_mm"]["value"] == 2
    assert figures["levels"]["L2/L3"]["right"]["value"] == pytest.approx(3 / 4)
    assert figures["right"]["low"] < 6 / 8 < figures["right"]["high"]


def test_sure_is_what_no_wrong_answer_has_reached():
    table = answers([1, 2, 3, 30, np.nan, 5], [0.99, 0.98, 0.99, 0.955, 0.1, 0.99])
    assert sure_from(table, "axial") == 0.96
    assert summarise(table, metadata(sure=0.96))["sure_but_wrong"] == 0
    assert summarise(table, metadata(sure=0.95))["sure_but_wrong"] == 1
    assert sure_from(table[table["error_mm"] < 8], "axial") == 0.9


def test_discs_are_sure_together_or_not_at_all():
    table = answers([1, 2, 40, 30], [0.99, 0.98, 0.99, 0.93])
    assert sure_from(table, "sagittal") == 0.94
    assert is_sure(table, "sagittal", 0.94).tolist() == [True, True, False, False]
    assert is_sure(table, "axial", 0.94).tolist() == [True, True, True, False]


def test_every_answer_is_in_one_range_of_confidence():
    rows = reliability(TABLE, 8.0)
    assert sum(row["landmarks"] for row in rows) == len(TABLE)
    assert rows[0] == {"up_to": 0.5, "landmarks": 1, "confidence": 0.1, "right": 0.0}


def test_maps_that_are_as_trained_towards_are_read_where_the_landmarks_are():
    """The target of training and the reading of maps are each other's inverse."""
    points = np.array([[90.3, 61.8], [51.0, 60.4]])
    picture = Picture(np.ones((120, 140)), (0.5, 0.5), points, "patient", "picture", real=False)

    def heatmaps(windows):
        shown, centre = move_window(picture)
        at = to_window(shown.points, shown.spacing_mm, centre, SPEC)
        cells = make_target(at, SPEC, 2)[1:]
        return cells.reshape(1, SPEC.size[1] // 2, SPEC.size[0] // 2, 2)

    table = ask(heatmaps, [picture], metadata())
    assert table["landmark"].tolist() == ["left", "right"]
    assert table["error_mm"].max() < 1e-3
    assert table["confidence"].min() > 0.999


def test_neighbours_help_to_place_a_landmark_and_are_not_asked_themselves():
    points = np.array([[90.3, 61.8], [51.0, 60.4]])
    middle = Picture(np.ones((120, 140)), (0.5, 0.5), points, "patient", "picture", real=False)
    below = replace(middle, offset=1)

    def heatmaps(windows):
        """Of the second, a cell farther to the back."""
        shown, centre = move_window(middle)
        at = to_window(shown.points, shown.spacing_mm, centre, SPEC)
        moved = [at, at + np.array([0, 2])][: len(windows)]
        cells = [make_target(positions, SPEC, 2)[1:] for positions in moved]
        return np.reshape(cells, (-1, SPEC.size[1] // 2, SPEC.size[0] // 2, 2))

    table = ask(heatmaps, [below, middle], metadata())
    assert table["landmark"].tolist() == ["left", "right"]
    assert (table["found_y"] - table["y"]).to_numpy() == pytest.approx(
        [SPEC.pixel_mm, SPEC.pixel_mm]
    )
    assert ask(heatmaps, [middle], metadata())["error_mm"].max() < 1e-3


@pytest.mark.parametrize(("point", "outside"), [((-3.0, 4.0), True), ((5.0, 4.0), False)])
def test_a_landmark_outside_of_the_window_is_nowhere(point, outside):
    target = make_target(np.array([point, (np.nan, np.nan)]), SPEC, 2)
    assert target[:, 0].sum() == pytest.approx(1)
    assert (target[0, 0] == 1) is np.bool_(outside)
    assert not target[:, 1].any()

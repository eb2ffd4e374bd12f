"""The canal is found on a curved spine; sides are told by the points, and by the image alone."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.grading.canal import side_score
from lss_cli.grading.grade import grade_study
from lss_cli.grading.sides import check_sides
from lss_cli.model.find import find_model
from lss_cli.model.session import load_model
from lss_cli.points.point import Point
from lss_cli.points.table import read_points
from lss_cli.slices import Slices
from lss_cli.study.study import Located, read_study

LEFT, RIGHT = Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR
# Of the canal, in mm to the patient's left, from L1/L2 to L5/S1: a spine that leans and bends.
CURVED = (24.0, 14.0, 9.0, 2.0, -6.0)


def recess(condition, level, canal, *, flip=False):
    """A point on the side of its condition, in an image with a bright canal beside it."""
    sign = (1 if condition is LEFT else -1) * (-1 if flip else 1)
    y, x = np.mgrid[:80, :80].astype(np.float32) - 40
    bright = np.hypot((x + 8 * sign) / 8, y / 6) < 1
    position = np.array([canal + 7.5 * sign, 60.0, -34.0 * level.ordinal])
    slices = Slices(
        pixels=(100.0 + 700 * bright + 0.5 * y)[np.newaxis].astype(np.float32),
        spacing_mm=(1.0, 1.0),
        full_size=(80, 80),
    )
    point = Point("1", "2", 1, condition, level, 40, 40)
    return Located(point, SimpleNamespace(), slices, (40.0, 40.0), position)


def curved(*conditions):
    return [
        recess(condition, level, canal)
        for level, canal in zip(Level, CURVED, strict=True)
        for condition in conditions
    ]


@pytest.mark.parametrize("conditions", [(LEFT,), (RIGHT,), (LEFT, RIGHT)])
def test_no_correct_point_of_a_curved_spine_is_accused(conditions):
    assert not check_sides(curved(*conditions))


def test_every_level_whose_sides_are_exchanged_is_found():
    for wrong in Level:
        points = [
            replace(at, point=replace(at.point, condition=at.point.condition.mirrored))
            if at.point.level is wrong
            else at
            for at in curved(LEFT, RIGHT)
        ]
        (finding,) = check_sides(points)
        assert f"left and right of {wrong} are exchanged" in finding.text
        assert {at.point.level for at in finding.points} == {wrong}


def test_one_point_among_those_of_its_side_is_found():
    for wrong, canal in zip(Level, CURVED, strict=True):
        points = [at for at in curved(LEFT) if at.point.level is not wrong]
        (finding,) = check_sides([*points, recess(LEFT, wrong, canal, flip=True)])
        assert "other side of the midline than left" in finding.text
        assert [at.point.level for at in finding.points] == [wrong]


def test_a_point_alone_is_judged_by_its_image():
    right_place = recess(RIGHT, Level.L4_L5, 0.0)
    wrong_place = recess(RIGHT, Level.L4_L5, 0.0, flip=True)
    assert side_score(right_place) == pytest.approx(-side_score(wrong_place), abs=1e-4)
    assert not check_sides([right_place])
    (finding,) = check_sides([wrong_place])
    assert "the point lies on the other side of the midline than right" in finding.text


def test_a_real_study(rsna):
    """No correct point is accused; one slip gives one warning."""
    study = read_study(next((rsna / "train_images").iterdir()))
    points, _ = read_points(rsna / "train_label_coordinates.csv", (study.id,))
    model = load_model(find_model("default"))

    def said(points):
        result = grade_study(study, points, [], model)
        return {text for level in result.levels for text in result.warnings_of(level)} | {
            level.reason for level in result.levels if level.reason
        }

    recesses = [point for point in points if point.condition in (LEFT, RIGHT)]
    usual = said(points)
    for condition in (LEFT, RIGHT):
        assert said([at for at in recesses if at.condition is condition]) <= usual
    levels = list(Level)
    slips = {
        "left and right of every level are exchanged": [
            replace(at, condition=at.condition.mirrored) for at in recesses
        ],
        "from feet to head": [replace(at, level=levels[4 - at.level.ordinal]) for at in recesses],
        "in a sagittal series": [
            replace(at, level=levels[at.level.ordinal + 1]) if at in recesses else at
            for at in points
            if at not in recesses or at.level is not Level.L5_S1
        ],
        "tilted as along a further disc": [
            replace(at, level=levels[at.level.ordinal + 1])
            for at in recesses
            if at.level is not Level.L5_S1
        ],
        "x and y seem to be exchanged": [replace(at, x=at.y, y=at.x) for at in recesses],
    }
    for condition in (LEFT, RIGHT):
        turned = [replace(at, x=at.y, y=at.x) for at in recesses if at.condition is condition]
        assert any("once x and y are exchanged" in text for text in said(turned)), condition
    for words, wrong in slips.items():
        new = said(wrong) - usual
        assert any(words in text for text in new), words
        if "x and y" not in words:
            assert len([text for text in new if "moves by" not in text]) == 1, words
    corner = [replace(at, x=5, y=5) for at in recesses[:1]]
    assert any(text.startswith("the point is in no recess") for text in said(corner))

from pathlib import Path

import numpy as np
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.grading.grade import UNSTABLE, grade_study, make_input, study_names
from lss_cli.grading.result import UNFAMILIAR, UNLIKE
from lss_cli.model.network import Network
from lss_cli.model.ood import OodStatistics
from lss_cli.model.session import Model, load_model
from lss_cli.points.point import Point
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study
from tests.dicom import axial_stack, save, set_pixels
from tests.models import metadata, write_tiny_model


def test_an_image_unlike_the_training_data_is_pointed_out(lss, study, coords, tiny_model, tmp_path):
    """The statistics are those of the phantom's own inputs; a third model knows noise only."""
    model, opened = load_model(tiny_model), read_study(study)
    points, _ = read_points(coords, study_names(opened))
    own = np.stack([make_input(opened.around(point, 1), model).image for point in points])
    random = np.random.default_rng(0)
    noise = random.random((200, *own.shape[1:]), np.float32)
    # So few inputs have to be varied a little to have statistics.
    alike = np.concatenate([own] * 20) + random.normal(0, 0.02, (200, *own.shape[1:]))
    for name, images, strange in (("own", alike.astype(np.float32), 0), ("noise", noise, 10)):
        known = OodStatistics.fit([images], np.arange(len(images)))
        path = write_tiny_model(tmp_path / f"{name}.onnx", ood=known)
        result = grade_study(opened, points, [], load_model(path), check=False)
        assert [level.warnings for level in result.levels].count((UNFAMILIAR,)) == strange
        assert sum(UNLIKE in level.caution for level in result.levels) == strange
    table = tmp_path / "out.csv"
    code, printed, _ = lss("predict", study, "--coords", coords, "--model", path, "--csv", table)
    assert code == 0
    # Once for each side, with the levels that it concerns.
    words = "L1/L2, L2/L3, L3/L4, L4/L5, L5/S1 * the image around the point is unlike those"
    assert " ".join(printed.split()).count(words) == 2
    assert table.read_text().count(UNLIKE) == 10


@pytest.mark.parametrize(
    ("here", "outwards", "unstable"),
    [
        ((0.75, 0.25, 0.0), (0.4, 0.6, 0.0), True),
        ((0.75, 0.25, 0.0), (0.6, 0.4, 0.0), False),
        # Two grades are shown anyway, or one is nearly sure.
        ((0.5, 0.5, 0.0), (0.6, 0.4, 0.0), False),
        ((0.5, 0.4, 0.1), (0.1, 0.2, 0.7), False),
        ((0.6, 0.3, 0.1), (0.1, 0.2, 0.7), True),
        ((0.95, 0.05, 0.0), (0.1, 0.2, 0.7), False),
    ],
)
def test_a_grade_that_another_click_would_change_is_pointed_out(
    study, coords, here, outwards, unstable
):
    check_another_click(study, coords, here, outwards, unstable, (1, 1, 1))


@pytest.mark.parametrize(
    ("here", "outwards", "unstable"),
    [
        # Normal/Mild stays the likeliest, but not the grade.
        ((0.85, 0.1, 0.05), (0.6, 0.37, 0.03), True),
        ((0.85, 0.1, 0.05), (0.82, 0.12, 0.06), False),
        # By weight 0.92 is not nearly sure, and 0.85 of Severe is.
        ((0.92, 0.0, 0.08), (0.78, 0.0, 0.22), True),
        ((0.1, 0.05, 0.85), (0.9, 0.1, 0.0), False),
        # Another is likelier: both are shown anyway.
        ((0.78, 0.0, 0.22), (0.9, 0.1, 0.0), False),
    ],
)
def test_another_click_is_judged_by_the_rule_of_the_model(study, coords, here, outwards, unstable):
    check_another_click(study, coords, here, outwards, unstable, (1, 2, 4))


def check_another_click(study, coords, here, outwards, unstable, weights):
    opened = read_study(study)
    points, _ = read_points(coords, study_names(opened))
    (point,) = [point for point in points if point.level is Level.L4_L5][:1]

    class Session:
        def run(self, _, feeds, __):
            right_of_point = feeds["coords"][:, :1] > x + 1e-4
            return [np.where(right_of_point, outwards, here).astype(np.float32)]

    described = metadata(grade_weights=weights)
    model = Model(Network(Path("model.onnx"), 64 * "0", "", Session()), described)
    x, _ = make_input(opened.around(point, 1), model).coords
    (level,) = grade_study(opened, [point], [], model).levels
    assert (UNSTABLE in level.warnings) == unstable


def test_a_point_beside_which_nothing_is_to_be_seen_is_pointed_out(tmp_path):
    """The only edge of the image lies at the border of the field; 2 mm farther, outside of it."""
    slices = axial_stack((8, 4, 0, -4, -8))
    for slice_ in slices:
        pixels = np.full((64, 64), 100, np.uint16)
        pixels[:, 50:] = 900
        set_pixels(slice_, pixels)
    opened = read_study(save(slices, tmp_path / "study"))

    class Session:
        def run(self, _, feeds, __):
            return [np.tile(np.float32((0.75, 0.25, 0.0)), (len(feeds["image"]), 1))]

    model = Model(Network(Path("model.onnx"), 64 * "0", "", Session()), metadata())

    def grade(x):
        point = Point("", "", 3, Condition.LEFT_SUBARTICULAR, Level.L4_L5, x, 32)
        (level,) = grade_study(opened, [point], [], model).levels
        return level

    last = next(x for x in range(60) if not grade(x).reason)
    assert "contrast" in grade(last - 1).reason
    assert UNSTABLE in grade(last).warnings
    assert UNSTABLE not in grade(last + 4).warnings

"""Training images and DICOM slices give a model the same input."""

import csv

import numpy as np
import pytest
from PIL import Image

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.dataset.prepare import PrepareOptions, prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.grading.grade import grade_study, study_names
from lss_cli.model.find import find_model
from lss_cli.model.session import load_model
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study

CUT_MM = (53, 36)


def cut_outs(study, points, folder):
    """An image table by the recipe of ready-made crops.

    Three neighbouring slices as channels, each scaled min-max to 8 bits as a whole, cut out around
    the canal.
    """
    folder.mkdir()
    rows = []
    for point in points:
        place = study.locate(point.series_id, point.instance_number)
        slices = place.read_slices(1)
        x, y = place.orient_point((point.x, point.y))
        low = slices.pixels.min(axis=(1, 2), keepdims=True)
        high = slices.pixels.max(axis=(1, 2), keepdims=True)
        grey = np.round((slices.pixels - low) / (high - low) * 255).astype(np.uint8)
        # Red is the slice with the lower instance number.
        before = place.stack.slices[max(place.index - 1, 0)].instance_number
        after = place.stack.slices[
            min(place.index + 1, len(place.stack.slices) - 1)
        ].instance_number
        if before > after:
            grey = grey[::-1]
        width, height = (round(mm / slices.spacing_mm[0]) for mm in CUT_MM)
        midline = 8 if point.condition is Condition.RIGHT_SUBARTICULAR else -8
        left = round(x + midline / slices.spacing_mm[0] - width / 2)
        top = round(y - height / 2)
        name = f"{point.condition}_{point.level.key}.png"
        cut = grey[:, top : top + height, left : left + width]
        Image.fromarray(np.ascontiguousarray(np.moveaxis(cut, 0, -1))).save(folder / name)
        rows.append(
            {
                "image": name,
                "study_id": study.id,
                "series_id": place.series.id,
                "instance_number": point.instance_number,
                "condition": point.condition.rsna_name,
                "level": point.level.value,
                "severity": Severity.MODERATE.value,
                "x": x - left,
                "y": y - top,
                "origin_x": left,
                "origin_y": top,
                "full_width": slices.full_size[0],
                "full_height": slices.full_size[1],
                "pixel_spacing_mm": slices.spacing_mm[0],
            }
        )
    with (folder / "crops.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "crops.csv"


def assert_no_gap(folder, coords, model, out, largest=0.05):
    study = read_study(folder)
    points, _ = read_points(coords, study_names(study))
    points = [point for point in points if point.condition is Condition.LEFT_SUBARTICULAR]
    graded = grade_study(study, points, [], model)
    assert graded.complete
    table = cut_outs(study, points, out / "crops")
    prepare(table, out / "prepared", PrepareOptions(spec=model.metadata.input))
    data = Prepared.open(out / "prepared")
    inputs = data.inputs(np.arange(len(data.index)))
    levels = [Level(level) for level in data.index["level"]]
    prob = dict(
        zip(levels, model.probabilities(inputs["image"], inputs["coords"], levels), strict=True)
    )
    assert set(prob) == {row.level for row in graded.levels}
    for row in graded.levels:
        assert row.grade == model.metadata.rule.grade(prob[row.level])
        np.testing.assert_allclose(prob[row.level], row.probabilities, atol=largest)


def test_on_a_phantom(study, coords, tmp_path):
    assert_no_gap(study, coords, load_model(find_model("default")), tmp_path)


@pytest.mark.rsna
def test_on_a_real_study(rsna, tmp_path):
    assert_no_gap(
        rsna / "train_images" / "100206310",
        rsna / "train_label_coordinates.csv",
        load_model(find_model("default")),
        tmp_path,
    )

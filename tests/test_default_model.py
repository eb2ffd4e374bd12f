"""What the shipped model says of one phantom, so that nothing on the way to it shifts unseen.

A change of the model or of the phantoms changes these numbers, and is the only thing that may.
"""

import pytest

from lss_cli.grading.grade import grade_study, study_names
from lss_cli.model.find import find_model
from lss_cli.model.session import load_model
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study

PINNED = {
    ("left_subarticular_stenosis", "L1/L2"): (0.9075, 0.0801, 0.0124),
    ("left_subarticular_stenosis", "L2/L3"): (0.8194, 0.1572, 0.0234),
    ("left_subarticular_stenosis", "L3/L4"): (0.0606, 0.2108, 0.7286),
    ("left_subarticular_stenosis", "L4/L5"): (0.5187, 0.3178, 0.1634),
    ("left_subarticular_stenosis", "L5/S1"): (0.2414, 0.3455, 0.4131),
    ("right_subarticular_stenosis", "L1/L2"): (0.9509, 0.0426, 0.0065),
    ("right_subarticular_stenosis", "L2/L3"): (0.7096, 0.2465, 0.0439),
    ("right_subarticular_stenosis", "L3/L4"): (0.0591, 0.1775, 0.7633),
    ("right_subarticular_stenosis", "L4/L5"): (0.3748, 0.3975, 0.2277),
    ("right_subarticular_stenosis", "L5/S1"): (0.3560, 0.4413, 0.2027),
}


def test_the_shipped_model_says_of_a_phantom_what_it_said_before(study, coords):
    dicom_study = read_study(study)
    points, bad = read_points(coords, study_names(dicom_study))
    result = grade_study(dicom_study, points, bad, load_model(find_model("default")))
    said = {
        (str(level.condition), str(level.level)): level.probabilities for level in result.levels
    }
    assert set(said) == set(PINNED)
    for key, probabilities in PINNED.items():
        assert said[key] == pytest.approx(probabilities, abs=2e-3), key


def test_its_description_holds_what_a_reader_asks():
    metadata = load_model(find_model("default")).metadata
    assert "non-commercial research only" in metadata.licence
    assert metadata.ood is not None
    assert metadata.training["largest_difference_to_keras"] < 1e-2
    assert 0.9 < metadata.key_figures["auc_at_least_moderate"] < 1
    assert metadata.metrics["out_of_fold"]["studies"] > 400

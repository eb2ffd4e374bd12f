"""What the shipped models say of one phantom, so that nothing on the way to it shifts unseen.

A change of a model or of the phantoms changes these numbers, and is the only thing that may.
"""

import pytest

from lss_cli.grading.grade import grade_study, study_names
from lss_cli.model.find import find_model, find_models
from lss_cli.model.models import Models
from lss_cli.model.session import load_model
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study

PINNED = {
    ("left_subarticular_stenosis", "L1/L2"): (0.8509, 0.1239, 0.0251),
    ("left_subarticular_stenosis", "L2/L3"): (0.7152, 0.2364, 0.0484),
    ("left_subarticular_stenosis", "L3/L4"): (0.0457, 0.2106, 0.7437),
    ("left_subarticular_stenosis", "L4/L5"): (0.3294, 0.3857, 0.2849),
    ("left_subarticular_stenosis", "L5/S1"): (0.1865, 0.3960, 0.4176),
    ("right_subarticular_stenosis", "L1/L2"): (0.9221, 0.0657, 0.0122),
    ("right_subarticular_stenosis", "L2/L3"): (0.5240, 0.3616, 0.1144),
    ("right_subarticular_stenosis", "L3/L4"): (0.0392, 0.1679, 0.7929),
    ("right_subarticular_stenosis", "L4/L5"): (0.2715, 0.3990, 0.3295),
    ("right_subarticular_stenosis", "L5/S1"): (0.3291, 0.4325, 0.2384),
    ("spinal_canal_stenosis", "L1/L2"): (0.9933, 0.0066, 0.0001),
    ("spinal_canal_stenosis", "L2/L3"): (0.9976, 0.0024, 0.0000),
    ("spinal_canal_stenosis", "L3/L4"): (0.3329, 0.4802, 0.1870),
    ("spinal_canal_stenosis", "L4/L5"): (0.9913, 0.0086, 0.0002),
    ("spinal_canal_stenosis", "L5/S1"): (0.9873, 0.0125, 0.0003),
}


def test_the_shipped_models_say_of_a_phantom_what_they_said_before(study, coords):
    dicom_study = read_study(study)
    points, bad = read_points(coords, study_names(dicom_study))
    result = grade_study(dicom_study, points, bad, Models.load(find_models("default")))
    said = {
        (str(level.condition), str(level.level)): level.probabilities for level in result.levels
    }
    assert set(said) == set(PINNED)
    for key, probabilities in PINNED.items():
        assert said[key] == pytest.approx(probabilities, abs=2e-3), key


@pytest.mark.parametrize("name", ["default", "canal"])
def test_a_description_holds_what_a_reader_asks(name):
    metadata = load_model(find_model(name)).metadata
    assert "non-commercial research only" in metadata.licence
    assert metadata.ood is not None
    assert metadata.training["largest_difference_to_keras"] < 2e-2
    assert 0.9 < metadata.key_figures["auc_at_least_moderate"] < 1
    assert metadata.metrics["out_of_fold"]["studies"] > 400

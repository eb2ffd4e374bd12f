import pytest

from lss_cli.anatomy import Condition, Level, Severity, Side, row_id


@pytest.mark.parametrize("text", ["L5/S1", "l5_s1", "L5-S1", "L5_S1", " L5 / S1 "])
def test_levels_as_others_spell_them(text):
    assert Level.parse(text) is Level.L5_S1


@pytest.mark.parametrize("text", ["Normal/Mild", "normal_mild", "NORMAL-MILD"])
def test_severities_as_others_spell_them(text):
    assert Severity.parse(text) is Severity.NORMAL_MILD


def test_every_condition_reads_its_own_names():
    for condition in Condition:
        assert Condition.parse(condition.value) is condition
        assert Condition.parse(condition.rsna_name) is condition


def test_what_is_unknown_is_named_with_what_is_known():
    with pytest.raises(ValueError, match=r"'L6' is no level; those are L1/L2, .* and L5/S1"):
        Level.parse("L6")


def test_sides_and_their_mirror_images():
    assert Condition.LEFT_SUBARTICULAR.side is Side.LEFT
    assert Condition.LEFT_SUBARTICULAR.mirrored is Condition.RIGHT_SUBARTICULAR
    assert Condition.RIGHT_FORAMINAL.mirrored is Condition.LEFT_FORAMINAL
    assert Condition.SPINAL_CANAL.side is None
    assert Condition.SPINAL_CANAL.mirrored is Condition.SPINAL_CANAL


def test_names_in_tables():
    assert [severity.column for severity in Severity] == ["normal_mild", "moderate", "severe"]
    assert (
        row_id("100206310", Condition.LEFT_SUBARTICULAR, Level.L1_L2)
        == "100206310_left_subarticular_stenosis_l1_l2"
    )
    assert Condition.LEFT_SUBARTICULAR.rsna_name == "Left Subarticular Stenosis"
    assert Condition.SPINAL_CANAL.series_description == "Sagittal T2/STIR"

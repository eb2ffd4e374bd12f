import pytest

from lss_cli.errors import StudyError
from lss_cli.study.study import read_study
from tests.dicom import SAGITTAL, image, save, tilted


def choose(folder, *series):
    """Each series is (number, orientation, tags)."""
    for uid, orientation, tags in series:
        ds = [image((0, 0, z), orientation, number=z, series=f"1.{uid}", **tags) for z in (1, 5)]
        save(ds, folder, "{0.SOPInstanceUID}")
    return read_study(folder).axial_t2


AX = tilted(15)


def test_the_description_decides(tmp_path):
    choice = choose(
        tmp_path,
        (1, AX, {"description": "t2_tse_tra"}),
        (2, AX, {"description": "t1_tse_tra"}),
        (3, SAGITTAL, {"description": "t2_tse_sag"}),
        (4, AX, {"description": "T2 localizer"}),
    )
    assert choice.series.uid == "1.1"
    assert "t2_tse_tra" in choice.why
    assert not choice.doubt


@pytest.mark.parametrize(
    "name", ["sT2W_TSE", "eT2W", "AXT2", "AXIALT2", "t2_tse_tra_local_shim", "FSE T2 blocks"]
)
def test_glued_and_odd_names_of_a_t2(tmp_path, name):
    choice = choose(tmp_path, (1, AX, {"description": name}), (2, AX, {"description": "T2* GRE"}))
    assert choice.series.uid == "1.1"


def test_without_a_description_the_echo_time_decides(tmp_path):
    choice = choose(
        tmp_path,
        (1, AX, {"description": "axial", "EchoTime": "12", "RepetitionTime": "600"}),
        (2, AX, {"description": "axial", "EchoTime": "102", "RepetitionTime": "3500"}),
    )
    assert choice.series.uid == "1.2"
    assert "102 ms" in choice.why


def test_without_either_the_only_axial_series_is_taken_with_a_doubt(tmp_path):
    choice = choose(
        tmp_path, (1, AX, {"description": ""}), (2, SAGITTAL, {"description": "SAG T2"})
    )
    assert choice.series.uid == "1.1"
    assert "does not say that it is T2" in choice.doubt


def test_a_reference_picture_in_the_series_does_not_matter(tmp_path):
    axial = [image((0, 0, z), AX, number=z, series="1.1") for z in range(1, 8)]
    save([*axial, image(orientation=SAGITTAL, number=99, series="1.1")], tmp_path)
    assert read_study(tmp_path).axial_t2.series.uid == "1.1"


def test_a_localizer_of_three_planes_is_not_taken(tmp_path):
    planes = [AX, SAGITTAL, (1, 0, 0, 0, 0, -1)]
    mixed = [image(orientation=axes, number=n, series="1.1") for n, axes in enumerate(planes, 1)]
    save(mixed, tmp_path)
    with pytest.raises(StudyError, match="mixed"):
        _ = read_study(tmp_path).axial_t2


def test_a_fat_suppressed_twin_is_not_taken(tmp_path):
    choice = choose(
        tmp_path, (1, AX, {"description": "AX T2 FS"}), (2, AX, {"description": "AX T2 TSE"})
    )
    assert choice.series.uid == "1.2"


def test_several_candidates_are_listed(tmp_path):
    with pytest.raises(StudyError, match=r"column series_id: 1\.1 .* and 1\.2"):
        choose(tmp_path, (1, AX, {"description": "AX T2"}), (2, AX, {"description": "T2 AX 2"}))


def test_no_axial_t2(tmp_path):
    with pytest.raises(StudyError, match="no axial T2 series"):
        choose(
            tmp_path,
            (1, AX, {"description": "AX T1"}),
            (2, SAGITTAL, {"description": "SAG T2"}),
        )

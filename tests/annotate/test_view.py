import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lss_cli.annotate.view import StudyView, encode_pixels
from lss_cli.errors import StudyError
from lss_cli.study.study import read_study
from tests.dicom import SAGITTAL, axial_stack, image, save

SIDE = {"orientation": SAGITTAL, "series": "1.2.3.5", "description": "SAG T2"}


def labels(views):
    return [one.series.description for one in views]


def numbers(view):
    return [view.instance_number(index) for index in range(len(view.slices))]


def test_axial_slices_run_head_to_feet_through_all_stacks(tmp_path):
    low = axial_stack((-40, -36, -32), description="AX T2")
    high = axial_stack((30, 26), description="AX T2")
    for number, one in enumerate(low + high, start=1):
        one.InstanceNumber, one.SOPInstanceUID = number, f"1.2.3.4.{number}"
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    (view,) = StudyView.of(read_study(save(low + high, tmp_path))).axial
    assert numbers(view) == [4, 5, 3, 2, 1]
    assert [stack for stack, _ in view.slices] == [0, 0, 1, 1, 1]


def test_the_likeliest_series_comes_first(tmp_path):
    for number, name in enumerate(("AX T1", "AX T2 FS", "AX", "AX T2", "LOCALIZER")):
        save(axial_stack((4, 0), series=f"1.2.{number}", description=name), tmp_path / str(number))
    view = StudyView.of(read_study(tmp_path))
    assert labels(view.axial) == ["AX T2", "AX T2 FS", "AX", "AX T1"]
    assert view.sagittal == ()


def test_a_sagittal_series_of_another_region_is_not_shown(tmp_path):
    save(axial_stack((4, 0, -4)), tmp_path / "4")
    save([image((0, 0, 0), **SIDE)], tmp_path / "5")
    far = SIDE | {"series": "1.2.3.6", "description": "SAG T2 neck"}
    save([image((0, 0, 400), **far)], tmp_path / "6")
    assert labels(StudyView.of(read_study(tmp_path)).sagittal) == ["SAG T2"]


def test_a_study_without_axial_slices_is_refused(tmp_path):
    save([image(**SIDE)], tmp_path)
    with pytest.raises(StudyError, match="no axial series"):
        StudyView.of(read_study(tmp_path))


def test_a_slice_whose_number_is_not_its_own_has_none(tmp_path):
    every = axial_stack((8, 4, 0))
    every[2].InstanceNumber = 2
    save(every, tmp_path, "{0.SOPInstanceUID}.dcm")
    (view,) = StudyView.of(read_study(tmp_path)).axial
    assert numbers(view) == [1, None, None]


def test_nothing_of_the_patient_is_told(tmp_path):
    secrets = {"PatientName": "Doe^Jane", "PatientID": "MRN4711", "StudyDate": "20240131"}
    view = StudyView.of(read_study(save(axial_stack((4, 0), **secrets), tmp_path)))
    for secret in ("Doe", "MRN4711", "20240131"):
        assert secret not in str(view.to_json())


@given(
    st.sampled_from([(np.uint16, "uint16"), (np.int16, "int16"), (np.float32, "float32")]),
    st.data(),
)
def test_values_arrive_exactly(kind, data):
    dtype, _ = kind
    values = data.draw(arrays(dtype, (3, 4)))
    values = np.nan_to_num(values.astype(np.float32))
    name, content = encode_pixels(values)
    found = np.frombuffer(content, np.dtype(name).newbyteorder("<")).reshape(3, 4)
    np.testing.assert_array_equal(found.astype(np.float32), values)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 65535], "uint16"), ([-1, 32767], "int16"), ([-1, 40000], "float32"), ([0.5], "float32")],
)
def test_in_the_smallest_type_that_holds_them(values, kind):
    assert encode_pixels(np.array([values], np.float32))[0] == kind

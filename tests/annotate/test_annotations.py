import numpy as np
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.annotations import parse_annotations, to_document
from lss_cli.annotate.view import StudyView
from lss_cli.study.study import read_study
from tests.annotate.conftest import SIDES
from tests.annotate.documents import ABSENT, MARK
from tests.dicom import WAYS, axial_stack, moved, save


@pytest.fixture
def view(two_series):
    return StudyView.of(two_series)


def parse(view, *marks, **more):
    return parse_annotations({"marks": list(marks), **more}, view, SIDES)


def test_points_name_series_slice_and_pixel(view):
    found = parse(view, MARK, ABSENT, remark="six  lumbar\nvertebrae \x1b[2J")
    (point,) = found.points
    assert (point.study_id, point.series_id, point.instance_number) == ("study", "4", 3)
    assert (point.level, point.x, point.y) == (Level.L1_L2, 10.5, 20)
    assert found.not_visible == ((Condition.RIGHT_SUBARTICULAR, Level.L5_S1),)
    assert found.bad_points("study")[0].reason == "marked as not visible."
    assert found.remark == "six lumbar vertebrae ?[2J"
    assert not parse(view)


@pytest.mark.parametrize("how", [{}, *WAYS.values()], ids=["as it is", *WAYS])
def test_a_click_lands_on_the_files_own_pixel(how, tmp_path):
    stored = [moved(one, **how) for one in axial_stack((4, 0), size=(40, 30))]
    study = read_study(save(stored, tmp_path / "study"))
    (point,) = parse(StudyView.of(study), MARK | {"slice": 1, "x": 31.25, "y": 12.5}).points
    place = study.locate(point.series_id, point.instance_number)
    assert place.orient_point((point.x, point.y)) == pytest.approx((31.25, 12.5), abs=0.01)
    # And the tissue there is that of the slice as it was before.
    x, y = round(point.x), round(point.y)
    before = axial_stack((4, 0), size=(40, 30))[1].pixel_array.astype(int)
    near = before[11:15, 30:34]
    stored_value = int(stored[1].pixel_array[y, x])
    assert np.abs(near - stored_value).min() == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"condition": "knee"}, "no condition"),
        ({"condition": "spinal_canal_stenosis"}, "not asked for"),
        ({"level": "T12/L1"}, "no level"),
        ({"series": 1}, "series is no number"),
        ({"series": True}, "series is no number"),
        ({"slice": 6}, "slice is no number"),
        ({"slice": -1}, "slice is no number"),
        ({"slice": "../../etc/passwd"}, "slice is no number"),
        ({"x": 64}, "x lies outside"),
        ({"y": float("nan")}, "y lies outside"),
        ({"y": None}, "y lies outside"),
        ({"source": "me"}, "source is none"),
        ({"source": ["clicked"]}, "source is none"),
    ],
)
def test_a_mark_of_what_was_not_shown_is_refused(view, change, reason):
    with pytest.raises(ValueError, match=reason):
        parse(view, MARK | change)


def test_who_set_a_point_goes_with_it(view):
    proposed = MARK | {"source": "proposed"}
    found = parse(view, proposed, MARK | {"level": "L2/L3"})
    assert [point.source for point in found.points] == ["proposed", "clicked"]
    document, bad = to_document(found, view, SIDES)
    assert document == found.document
    assert document["marks"][0] == proposed
    assert not bad


def test_documents_of_another_form_are_refused(view):
    for document in (None, [], {}, {"marks": 1}, {"marks": [1]}, {"marks": [], "remark": 1}):
        with pytest.raises(ValueError):
            parse_annotations(document, view, SIDES)
    with pytest.raises(ValueError, match="up to 400 characters"):
        parse(view, remark="x" * 401)
    with pytest.raises(ValueError, match="set twice"):
        parse(view, MARK, MARK | {"slice": 1})


def test_a_slice_without_a_number_of_its_own_takes_no_point(tmp_path):
    every = axial_stack((8, 4, 0))
    every[2].InstanceNumber = 2
    save(every, tmp_path, "{0.SOPInstanceUID}.dcm")
    with pytest.raises(ValueError, match="no number of its own"):
        parse(StudyView.of(read_study(tmp_path)), MARK)

import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from lss_cli.anatomy import Condition
from lss_cli.dataset.sources.base import PointRef
from lss_cli.errors import PointOutsideError, SliceNotFoundError, StudyError
from lss_cli.study import pixels
from lss_cli.study.geometry import Plane
from lss_cli.study.pixels import _decode
from lss_cli.study.study import read_study
from tests.dicom import (
    SAGITTAL,
    axial_stack,
    image,
    moved,
    moved_point,
    multi_frame,
    save,
    set_pixels,
    tilted,
)

SLICES = axial_stack([8, 4, 0, -4], spacing=(1.0, 0.8), size=(64, 48))


def test_an_rsna_folder_with_few_tags(tmp_path):
    datasets = axial_stack([8, 4, 0], series="77.5", description="T2")
    folder = save(datasets, tmp_path / "77", "5/{0.InstanceNumber}.dcm").resolve()
    study = read_study(folder)
    assert study.id == "77"
    assert [series.id for series in study.series] == ["5"]
    assert study.series[0].plane is Plane.AXIAL
    for name in ("5", "77.5"):
        assert study.locate(name, 2).slice.instance_number == 2


def test_a_hospital_folder_of_one_flat_pile(tmp_path):
    axial = axial_stack([8, 4, 0], series="1.2.3.8")
    sagittal = [
        image((x, 0, 0), SAGITTAL, series="1.2.3.9", number=i, description="SAG T2")
        for i, x in enumerate([-4, 0, 4], 1)
    ]
    save(axial + sagittal, tmp_path, "{0.SOPInstanceUID}")
    (tmp_path / "readme.txt").write_text("not DICOM")
    (tmp_path / "empty").touch()
    (tmp_path / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\0\0\0UL\x04\0junk" * 9)
    study = read_study(tmp_path)
    assert {series.id for series in study.series} == {"1.2.3.8", "1.2.3.9"}
    assert study.axial_t2.series.id == "1.2.3.8"
    assert study.locate(None, 3).slice.instance_number == 3


def test_uids_may_repeat_across_series_but_a_copy_counts_once(tmp_path):
    a = image(uid="1.9", series="1.1")
    b = image(uid="1.9", series="1.2", orientation=SAGITTAL)
    save([a, b], tmp_path, "{0.SeriesInstanceUID}.dcm")
    save([a], tmp_path, "copy.dcm")
    assert [len(series.slices) for series in read_study(tmp_path).series] == [1, 1]


def test_slices_of_one_identity_and_other_pixels_are_pointed_out(tmp_path):
    """Such as a slice and what a filter made of it: only a person can tell which one is meant."""
    save(SLICES, tmp_path)
    other = moved(axial_stack([8, 4, 0, -4], spacing=(1.0, 0.8), size=(64, 48))[1])
    set_pixels(other, other.pixel_array[::-1])
    save([other], tmp_path, "again.dcm")
    text = problem(tmp_path, lambda study: study.locate(None, 2))
    assert "2 slices" in text and "Keep one of them" in text and "pixels" in text


def test_a_copy_that_is_compressed_counts_once(tmp_path):
    save(SLICES, tmp_path)
    copy = axial_stack([8, 4, 0, -4], spacing=(1.0, 0.8), size=(64, 48))[1]
    copy.compress(RLELossless, generate_instance_uid=False)
    save([copy], tmp_path, "again.dcm")
    assert read_study(tmp_path).locate(None, 2).index == 1


def test_neighbours_come_from_the_stack_and_its_ends_are_repeated(tmp_path):
    gap = axial_stack([20, 16, 0, -4, -8])
    study = read_study(save(gap, tmp_path))
    first = gap[2].pixel_array
    second = gap[3].pixel_array
    slices = study.locate(None, 3).read_slices(1)
    np.testing.assert_array_equal(slices.pixels, [first, first, second])
    assert slices.spacing_mm == (1.0, 1.0)
    assert slices.full_size == (64, 64)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("flip_x", [False, True])
@pytest.mark.parametrize("flip_y", [False, True])
def test_every_way_of_storing_a_slice_reads_the_same(tmp_path, transpose, flip_x, flip_y):
    how = {"transpose": transpose, "flip_x": flip_x, "flip_y": flip_y}
    plain = [
        image((0, 0, z), tilted(20), number=n, size=(64, 48), spacing=(1, 0.8))
        for n, z in enumerate([8, 4, 0], 1)
    ]
    wanted = read_study(save(plain, tmp_path / "plain")).locate(None, 2)
    stored = [moved(ds, **how) for ds in plain]
    place = read_study(save(stored, tmp_path / "moved")).locate(None, 2)
    np.testing.assert_array_equal(place.read_slices(1).pixels, wanted.read_slices(1).pixels)
    assert place.read_slices(1).spacing_mm == pytest.approx(wanted.read_slices(1).spacing_mm)
    assert place.orient_point(moved_point(10, 20, (64, 48), **how)) == wanted.orient_point((10, 20))


@pytest.mark.parametrize(
    "syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless, ImplicitVRLittleEndian]
)
def test_compressed_pixels(tmp_path, syntax):
    stored = image(centre=(0, 0, 4))
    wanted = stored.pixel_array.copy()
    if syntax.is_compressed:
        stored.compress(syntax, generate_instance_uid=False)
    else:
        stored.file_meta.TransferSyntaxUID = syntax
    place = read_study(save([stored], tmp_path)).locate(None, 1)
    np.testing.assert_array_equal(place.read_slices(0).pixels[0], wanted)


def compress_by_gdcm(path, syntax):
    """Compress a file as pydicom cannot."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(path))
    assert writer.Write()


def test_jpeg_lossless(tmp_path):
    save([image(centre=(0, 0, 4))], tmp_path)
    compress_by_gdcm(tmp_path / "1.dcm", "JPEGLosslessProcess14_1")
    place = read_study(tmp_path).locate(None, 1)
    assert place.slice.transfer_syntax == JPEGLosslessSV1
    np.testing.assert_array_equal(
        place.read_slices(0).pixels[0], image(centre=(0, 0, 4)).pixel_array
    )


def test_jpeg_of_12_bits_is_not_called_damaged(tmp_path):
    save([image(centre=(0, 0, 4), BitsStored=12, HighBit=11)], tmp_path)
    compress_by_gdcm(tmp_path / "1.dcm", "JPEGExtendedProcess2_4")
    text = problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))
    assert "JPEG Extended" in text and "not supported" in text and "damaged" not in text


def test_jpeg_of_fewer_bits_than_the_header_says_is_no_noise(tmp_path):
    """GDCM would decode it, to numbers that have nothing to do with the picture."""
    ds = image(BitsAllocated=8, BitsStored=8, HighBit=7)
    ds.PixelData = bytes(64 * 64)
    ds["PixelData"].VR = "OB"
    save([ds], tmp_path)
    compress_by_gdcm(tmp_path / "1.dcm", "JPEGLosslessProcess14_1")
    ds = pydicom.dcmread(tmp_path / "1.dcm")
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    save([ds], tmp_path)
    text = problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))
    assert "8 bits, the header says 12" in text


def test_a_damaged_slice_is_decoded_once(tmp_path, monkeypatch):
    ds = image()
    ds.compress(JPEGLSLossless, generate_instance_uid=False)
    save([ds], tmp_path)
    path = tmp_path / "1.dcm"
    path.write_bytes(path.read_bytes()[:-900])
    decoded = []
    monkeypatch.setattr(pixels, "_decode", lambda slice_: decoded.append(slice_) or _decode(slice_))
    read, place = pixels.remember_pixels(), read_study(tmp_path).locate(None, 1)
    for _ in range(5):
        with pytest.raises(StudyError, match="truncated or damaged"):
            place.read_slices(0, read)
    assert len(decoded) == 1


def test_rescale_and_inverted_grey(tmp_path):
    ds = image(RescaleSlope="2", RescaleIntercept="-5", PhotometricInterpretation="MONOCHROME1")
    place = read_study(save([ds], tmp_path)).locate(None, 1)
    np.testing.assert_allclose(place.read_slices(0).pixels[0], -(2.0 * ds.pixel_array - 5))


@pytest.mark.parametrize(
    ("stored", "tags"),
    [
        (9999, {"PixelPaddingValue": 9999}),
        (-2000, {"PixelPaddingValue": -2000, "PixelRepresentation": 1}),
        (-2000, {"PixelPaddingValue": 63536, "PixelRepresentation": 1}),
        (9500, {"PixelPaddingValue": 9000, "PixelPaddingRangeLimit": 10000}),
        (9999, {"PixelPaddingValue": 9999, "PhotometricInterpretation": "MONOCHROME1"}),
    ],
)
def test_padding_is_background(tmp_path, stored, tags):
    """The frame around a turned or distortion-corrected slice is no brightness of it."""
    padding = {name: value for name, value in tags.items() if "Padding" in name}
    ds = image(**{name: value for name, value in tags.items() if name not in padding})
    pixels = ds.pixel_array.astype(np.int32)
    pixels[:10] = stored
    ds.PixelData = pixels.astype("<i4").astype("<u2").tobytes()
    for keyword, value in padding.items():
        ds.add_new(keyword, "SS" if value < 0 else "US", value)
    values = read_study(save([ds], tmp_path)).locate(None, 1).read_slices(0).pixels[0]
    assert (values[:10] == values[10:].min()).all()
    assert np.ptp(values) == np.ptp(pixels[10:])


def test_a_multi_frame_file_is_a_series_of_its_frames(tmp_path):
    single = read_study(save(SLICES, tmp_path / "single")).locate(None, 2)
    frames = read_study(save([multi_frame(SLICES)], tmp_path / "multi")).locate(None, 2)
    np.testing.assert_array_equal(frames.read_slices(1).pixels, single.read_slices(1).pixels)
    assert frames.read_slices(1).spacing_mm == single.read_slices(1).spacing_mm


def problem(folder, do=lambda study: None):
    with pytest.raises(StudyError) as caught:
        do(read_study(folder))
    return str(caught.value)


def test_no_folder_no_dicom_and_two_studies(tmp_path):
    assert "no such folder" in problem(tmp_path / "none")
    (tmp_path / "a.txt").write_text("x")
    assert "no DICOM image" in problem(tmp_path)
    assert "a study folder is wanted" in problem(tmp_path / "a.txt")
    save([image(study="1.1")], tmp_path, "1")
    save([image(study="1.2")], tmp_path, "2")
    assert "2 studies" in problem(tmp_path)


def test_files_without_geometry_are_left_out_with_their_reason(tmp_path):
    save(axial_stack([4, 0]), tmp_path)
    save([image(number=7, ImageOrientationPatient=None)], tmp_path)
    save([image(number=8, PixelSpacing=[1e-9, 1e-9])], tmp_path)
    save([image(number=9, ImagePositionPatient=[0, 0, float("nan")])], tmp_path)
    study = read_study(tmp_path)
    assert [file.path.name for file in study.skipped] == ["7.dcm", "8.dcm", "9.dcm"]
    assert "ImageOrientationPatient" in study.skipped[0].reason
    assert len(study.series[0].slices) == 2


def test_a_series_or_slice_that_is_not_there(tmp_path):
    save(SLICES, tmp_path)
    assert "no series '9'" in problem(tmp_path, lambda study: study.locate("9", 1))
    assert "1 to 4" in problem(tmp_path, lambda study: study.locate(None, 5))


def test_an_ambiguous_series_or_slice(tmp_path):
    save([image(series="1.5", uid="1.77"), image(series="1.5")], tmp_path, "{0.SOPInstanceUID}")
    assert "2 slices" in problem(tmp_path, lambda study: study.locate(None, 1))
    save([image(series="2.5")], tmp_path, "x")
    text = problem(tmp_path, lambda study: study.locate("5", 1))
    assert "2 series" in text and "1.5 and 2.5" in text


def test_a_truncated_file_costs_its_slice_only(tmp_path):
    save(SLICES, tmp_path)
    path = tmp_path / "3.dcm"
    path.write_bytes(path.read_bytes()[:-2000])
    study = read_study(tmp_path)
    assert "instance 3: the pixels are truncated" in problem(
        tmp_path, lambda study: study.locate(None, 3).read_slices(0)
    )
    assert study.locate(None, 1).read_slices(1).pixels.shape == (3, 48, 64)


def test_more_than_a_gibibyte_is_refused_before_decoding(tmp_path):
    ds = image()
    ds.Rows, ds.Columns = 65000, 65000
    save([ds], tmp_path)
    text = problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))
    assert "7.9 GiB" in text


def test_a_header_that_runs_into_zeros_costs_little(tmp_path):
    """Each eight zeros are an element without a value; a disk's empty block is full of them."""
    save(SLICES, tmp_path)
    path = tmp_path / "3.dcm"
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\x28\x00\x10\x00US")] + bytes(2**26))
    started = time.process_time()
    (skipped,) = read_study(tmp_path).skipped
    assert time.process_time() - started < 4
    assert skipped.path.name == "3.dcm"
    assert "header is too long" in skipped.reason


def test_a_header_value_that_claims_more_than_a_header_holds(tmp_path):
    save(SLICES, tmp_path)
    whole = (tmp_path / "3.dcm").read_bytes()
    at = whole.index(b"\x20\x00\x32\x00DS")
    value = b"\x20\x00\x32\x00UN\0\0\xf0\xff\xff\xef"
    (tmp_path / "3.dcm").write_bytes(whole[:at] + value + whole[at:])
    (skipped,) = read_study(tmp_path).skipped
    assert "header" in skipped.reason


def test_a_slice_larger_than_any_of_a_scanner_is_refused_before_decoding(tmp_path):
    ds = image(size=(8, 8))
    ds.Rows, ds.Columns = 10_000, 11_500
    ds.PixelData = bytes(2 * 10_000 * 11_500)
    save([ds], tmp_path)
    tracemalloc.start()
    text = problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "11500 × 10000 pixels" in text
    assert peak < 2**20


def test_an_unsupported_transfer_syntax_is_named(tmp_path):
    ds = image()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG-2
    from pydicom.encaps import encapsulate

    ds.PixelData = encapsulate([b"\0" * 64])
    ds["PixelData"].is_undefined_length = True
    save([ds], tmp_path)
    text = problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))
    assert "MPEG2" in text and "not supported" in text


def test_a_missing_decoder_is_named_with_its_package(tmp_path, monkeypatch):
    ds = image()
    ds.compress(JPEGLSLossless, generate_instance_uid=False)
    save([ds], tmp_path)
    from pydicom.pixels.decoders import JPEGLSLosslessDecoder

    for name in JPEGLSLosslessDecoder.available_plugins:
        monkeypatch.delitem(JPEGLSLosslessDecoder._available, name)
    text = problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))
    assert "pip install pyjpegls" in text


def test_a_colour_picture_is_refused(tmp_path):
    ds = image(SamplesPerPixel=3)
    save([ds], tmp_path)
    assert "colour" in problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))


def test_a_point_outside_its_slice(tmp_path):
    save(SLICES, tmp_path)
    text = problem(tmp_path, lambda study: study.locate(None, 1).orient_point((64, 5)))
    assert "(64, 5) lies outside the slice of 64 × 48" in text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_among_the_files_does_not_hang(tmp_path):
    save(SLICES, tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert len(read_study(tmp_path).series) == 1


def test_pixels_of_another_size_than_the_header_says(tmp_path):
    ds = image()
    set_pixels(ds, np.zeros((10, 10)))
    ds.Rows = 64
    save([ds], tmp_path)
    assert "truncated" in problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))


def test_a_picture_of_another_size_than_the_header_says_is_not_decoded(tmp_path):
    """GDCM would crop it and say nothing; 30,000² pixels would take a minute."""
    for syntax in (JPEGLSLossless, JPEG2000Lossless):
        large = image(size=(128, 128))
        large.compress(syntax, generate_instance_uid=False)
        large.Rows = large.Columns = 64
        save([large], tmp_path)
        text = problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))
        assert "the compressed picture says 128 × 128 pixels" in text


def test_a_file_that_crashes_its_decoder_costs_its_slice_only(tmp_path):
    save(SLICES, tmp_path)
    damaged = pydicom.dcmread(Path(__file__).parent / "crashes_gdcm.dcm")
    other = image(number=9, series="1.9", size=(64, 64))
    for keyword in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        setattr(other, keyword, getattr(damaged, keyword))
    other.Rows, other.Columns = damaged.Rows, damaged.Columns
    other.file_meta.TransferSyntaxUID = damaged.file_meta.TransferSyntaxUID
    other["PixelData"].is_undefined_length = True
    save([other], tmp_path)
    text = problem(tmp_path, lambda study: study.locate("1.9", 9).read_slices(0))
    assert "instance 9: the pixels are truncated or damaged" in text
    assert read_study(tmp_path).locate("1.2.3.4", 1).read_slices(1).pixels.shape == (3, 48, 64)


def test_slices_of_one_uid_are_still_different_slices(tmp_path):
    """As some anonymised exports have it."""
    save([image((0, 0, z), uid="1.5", number=z) for z in (1, 5, 9)], tmp_path)
    assert len(read_study(tmp_path).series[0].slices) == 3


def test_older_files_without_a_preamble(tmp_path):
    save(SLICES, tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[132:])
    assert read_study(tmp_path).locate(None, 2).read_slices(1).pixels.shape == (3, 48, 64)


def test_what_was_left_out_says_why(tmp_path):
    save(SLICES, tmp_path)
    cut = tmp_path / "1.dcm"
    cut.write_bytes(cut.read_bytes()[:420])
    deflated = image(number=7)
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    save([deflated, image(number=8, HighBit=11), image(number=9, Rows=0)], tmp_path)
    far = image(number=10)
    far.ImagePositionPatient = [1e30, 0, 0]
    save([far], tmp_path)
    reasons = {file.path.name: file.reason for file in read_study(tmp_path).skipped}
    assert reasons.keys() == {"1.dcm", "7.dcm", "8.dcm", "9.dcm", "10.dcm"}
    assert "incomplete" in reasons["1.dcm"] or "damaged" in reasons["1.dcm"]
    assert "Deflated" in reasons["7.dcm"]
    assert "HighBit" in reasons["8.dcm"]
    assert "Rows" in reasons["9.dcm"]
    assert "ImagePositionPatient" in reasons["10.dcm"]


def test_values_that_are_no_numbers(tmp_path):
    save([image(RescaleSlope="1e39", RescaleIntercept="0")], tmp_path)
    text = problem(tmp_path, lambda study: study.locate(None, 1).read_slices(0))
    assert "values that are no numbers" in text


def test_around_a_point_lie_its_slices_and_its_place_in_the_patient(tmp_path):
    study = read_study(save(SLICES, tmp_path))
    point = PointRef(1, "", 2, 10.0, 20.0)
    located = study.around(point, 1)
    assert located.point is point
    assert located.slices.pixels.shape[0] == 3
    wanted = study.locate("", 2)
    assert located.slice_in_stack.slice is wanted.slice
    assert located.pixel == wanted.orient_point((10.0, 20.0))
    np.testing.assert_array_equal(located.position, wanted.slice.geometry.to_patient((10.0, 20.0)))


@pytest.mark.parametrize(
    ("point", "condition", "kind", "what"),
    [
        (("9", 2, 1, 1), None, SliceNotFoundError, "no series"),
        (("", 99, 1, 1), None, SliceNotFoundError, "no instance 99"),
        (("", 2, 999, 1), None, PointOutsideError, "outside the slice"),
        (("", 2, 1, 1), Condition.LEFT_FORAMINAL, StudyError, "graded on sagittal slices"),
    ],
)
def test_what_lies_around_no_point_says_why(tmp_path, point, condition, kind, what):
    study = read_study(save(SLICES, tmp_path))
    with pytest.raises(kind, match=what) as caught:
        study.around(PointRef(1, *point), 0, condition=condition)
    assert type(caught.value) is kind

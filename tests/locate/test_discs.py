from dataclasses import replace

import numpy as np
import pytest

from lss_cli.anatomy import Level
from lss_cli.errors import StudyError
from lss_cli.locate.discs import central_slices, combine, find_discs
from lss_cli.locate.locate import Locators
from lss_cli.study.pixels import remember_pixels
from lss_cli.study.study import read_study
from tests.dicom import WAYS, moved, save
from tests.locate.geometry import disc_centres, plane, series_of
from tests.locate.studies import plan, write_coded_study, write_locators


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Locators.load(write_locators(tmp_path_factory.mktemp("models"))).sagittal


def sagittal(folder, phantom, **options):
    written = write_coded_study(folder, phantom, without=("Axial T2",), **options)
    (series,) = read_study(written).series
    return series


def test_discs_lie_where_they_are(tmp_path, model):
    phantom = plan()
    found = find_discs(sagittal(tmp_path, phantom), model, remember_pixels())
    assert [disc.level for disc in found.discs] == list(Level)
    for disc, (_, centre) in zip(found.discs, disc_centres(phantom), strict=True):
        assert np.linalg.norm(np.array(disc.position) - centre) < 4
        assert disc.sure
        assert not disc.doubts
    assert not found.not_seen
    assert not found.doubts


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_however_the_files_lie_the_discs_lie_the_same(tmp_path, model, way):
    import pydicom

    phantom = plan(1)
    straight = sagittal(tmp_path / "straight", phantom)
    files = [pydicom.dcmread(slice_.path) for slice_ in straight.slices]
    (turned,) = read_study(save([moved(ds, **way) for ds in files], tmp_path / "turned")).series
    wanted, found = (
        find_discs(series, model, remember_pixels()).discs for series in (straight, turned)
    )
    for disc, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(disc.position, other.position, atol=0.5)
        geometry = turned.find(other.instance_number).slice.geometry
        away = geometry.to_patient((other.x, other.y)) - np.array(other.position)
        assert abs(away @ geometry.row_cosine) < 0.02
        assert abs(away @ geometry.column_cosine) < 0.02


def test_a_picture_larger_than_the_window_is_looked_through(tmp_path, model):
    phantom = plan(2)
    series = phantom.series[1]
    # The same pixels, twice as far apart, of which the body fills the upper front quarter.
    larger = replace(
        series,
        slices=tuple(
            replace(slice_, plane=replace(slice_.plane, rows=320, columns=320))
            for slice_ in series.slices[4:9]
        ),
    )
    wide = replace(phantom, series=(phantom.series[0], larger))
    found = find_discs(sagittal(tmp_path, wide), model, remember_pixels())
    assert len(found.discs) == 5
    for disc, (_, centre) in zip(found.discs, disc_centres(phantom), strict=True):
        assert np.linalg.norm((np.array(disc.position) - centre)[1:]) < 4


def test_discs_that_are_numbered_one_too_high_are_never_sure(tmp_path, model):
    found = find_discs(sagittal(tmp_path, plan(), shift=1), model, remember_pixels())
    assert found.not_seen == (Level.L5_S1,)
    assert not any(disc.sure for disc in found.discs)
    assert "L5/S1 was not seen; the others may be numbered wrongly." in found.doubts


def test_without_the_sacrum_nothing_is_sure(tmp_path, model):
    phantom = plan()
    series = phantom.series[1]
    ((_, lowest),) = [pair for pair in disc_centres(phantom) if pair[0] is Level.L5_S1]
    _, row, _ = series.slices[0].plane.project(lowest)
    rows = int(row + 15 / series.slices[0].plane.spacing)
    cut = replace(
        series,
        slices=tuple(
            replace(slice_, plane=replace(slice_.plane, rows=rows)) for slice_ in series.slices
        ),
    )
    short = replace(phantom, series=(phantom.series[0], cut))
    found = find_discs(sagittal(tmp_path, short), model, remember_pixels())
    assert not any(disc.sure for disc in found.discs)
    assert any("too little to know the sacrum by" in text for text in found.doubts)


def test_an_empty_picture_shows_no_disc(tmp_path, model):
    series = sagittal(tmp_path, plan())
    found = find_discs(series, model, lambda slice_: np.ones(slice_.geometry.size[::-1], "f4"))
    assert not found.discs
    assert found.not_seen == tuple(Level)


def test_one_damaged_slice_does_not_matter_and_all_do(tmp_path, model):
    series = sagittal(tmp_path, plan())
    read = remember_pixels()
    (first, *_) = central_slices(series)

    def damaged(slice_):
        if slice_ is first:
            raise StudyError("the pixels are damaged.")
        return read(slice_)

    assert len(find_discs(series, model, damaged).discs) == 5

    def destroyed(slice_):
        raise StudyError("the pixels are damaged.")

    with pytest.raises(StudyError, match="damaged"):
        find_discs(series, model, destroyed)


def test_central_slices_are_those_around_the_middle():
    def numbers(count, step):
        slices = [plane((step * index, 0, 0), (0, 1, 0), (0, 0, -1)) for index in range(count)]
        return [slice_.instance_number for slice_ in central_slices(series_of(slices))]

    assert numbers(15, 4.4) == [6, 7, 8, 9, 10]
    assert numbers(4, 8.0) == [2, 3]
    assert numbers(1, 4.0) == [1]
    assert len(numbers(60, 1.0)) == 5


def test_a_doubtful_numbering_is_said(tmp_path, model):
    from lss_cli.locate import discs as module

    series = sagittal(tmp_path, plan())
    slices = central_slices(series)
    look = module._look(model, series, slices, slices[2].geometry.centre, remember_pixels())
    # Every disc is as much the next one.
    maps = look.heatmaps.copy()
    maps[..., :-1] = 0.5 * maps[..., :-1] + 0.5 * look.heatmaps[..., 1:]
    found = combine(replace(look, heatmaps=maps))
    assert any("numbered by one too high or too low" in text for text in found.doubts)
    assert not any(disc.sure for disc in found.discs)

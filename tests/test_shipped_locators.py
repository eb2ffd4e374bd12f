"""The shipped locators, on phantoms that they were not trained on."""

from functools import cache

import numpy as np
import pytest

from lss_cli.locate.model import LocatorModel, cut_window
from lss_cli.model.find import find_locator
from lss_cli.training.locator.answers import ask
from lss_cli.training.locator.phantoms import phantom_pictures

KINDS = ("sagittal", "axial")
SEED = 99


@cache
def shipped(kind) -> LocatorModel:
    return LocatorModel.open(find_locator(kind))


@cache
def pictures(kind):
    return phantom_pictures(kind, 3, SEED)


def answers(kind):
    model = shipped(kind)
    return ask(model.heatmaps, pictures(kind), model.metadata)


def confidences(model, windows):
    return model.peaks(model.heatmaps(np.stack(windows))).confidence


def test_both_files_are_small_and_say_what_they_are():
    assert sum(find_locator(kind).stat().st_size for kind in KINDS) <= 8 * 10**6
    for kind in KINDS:
        metadata = shipped(kind).metadata
        assert metadata.kind == kind and metadata.name == f"locate-{kind}"
        assert metadata.metrics["out_of_fold"]["patients"] >= 380
        assert find_locator(kind).with_suffix(".md").is_file()


def test_all_five_discs_of_phantoms_are_found_and_numbered():
    table = answers("sagittal")
    assert len(table) >= 25
    assert table["error_mm"].max() <= 8


def test_both_recesses_of_phantoms_are_found():
    table = answers("axial")
    assert len(table) >= 10
    assert table["error_mm"].median() <= 2.5
    assert table["error_mm"].max() <= 8


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_the_other_plane_and_noise_are_never_sure(kind):
    model = shipped(kind)
    other = "axial" if kind == "sagittal" else "sagittal"
    windows = [
        cut_window(picture.pixels, picture.spacing_mm, picture.centre, model.window)
        for picture in pictures(other)
    ]
    rng = np.random.default_rng(0)
    windows += [rng.random(model.window.size[::-1], dtype=np.float32) for _ in range(4)]
    windows += [np.zeros(model.window.size[::-1], dtype=np.float32)]
    assert confidences(model, windows).max() < model.metadata.sure

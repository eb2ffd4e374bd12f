import json
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lss_cli.model.metadata import ModelMetadata
from lss_cli.model.ood import COMPONENTS, LENGTH, OodStatistics, describe
from lss_cli.validation import read_document
from tests.models import metadata


def blobs(count: int, seed: int, shape=(24, 32, 3)) -> np.ndarray:
    """A bright disc at about the same place in all channels, on noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    centres = random.normal((0.3 * shape[0], 0.3 * shape[1]), 1, (count, 2))[..., None, None]
    disc = (y - centres[:, 0]) ** 2 + (x - centres[:, 1]) ** 2 < 30
    images = 0.6 * disc[..., None] + 0.3 * random.random((count, *shape))
    return images.astype(np.float32)


@pytest.fixture(scope="module")
def known():
    return OodStatistics.fit([blobs(300, 1), blobs(300, 2)], np.arange(600) // 10)


def test_what_is_like_the_training_inputs_is_familiar(known):
    assert (known.score(blobs(500, 3)) > 1).mean() < 0.03


@pytest.mark.parametrize(
    "change",
    [
        lambda images: images[:, ::-1],
        lambda images: images[:, :, ::-1],
        lambda images: 1 - images,
        lambda images: images[:, :, :, [0, 1, 1]],
        np.zeros_like,
        lambda images: np.full_like(images, np.nan),
        lambda images: np.full_like(images, np.inf),
        lambda images: np.random.default_rng(4).random(images.shape, np.float32),
    ],
)
def test_what_is_not_is_strange(known, change):
    assert (known.score(change(blobs(50, 3))) > 1).all()


def test_each_image_is_judged_by_itself(known):
    images = blobs(20, 5)
    together = known.score(images)
    alone = [known.score(images[[number]])[0] for number in range(20)]
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    assert known.score(images[:0]).shape == (0,)


@given(
    arrays.arrays(
        np.float32,
        st.tuples(
            st.integers(1, 3), st.integers(8, 40), st.integers(8, 40), st.sampled_from([1, 3, 5])
        ),
        elements=st.floats(0, 1, width=32),
    )
)
def test_any_model_input_can_be_describe(images):
    values = describe(images)
    assert values.shape == (len(images), LENGTH)
    assert np.isfinite(values).all()


def test_the_description_by_hand():
    across = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (16, 1))
    image = np.stack([across, across, across + 0.2], axis=-1)[np.newaxis]
    grey, down, up, rising, falling, differences = np.split(
        describe(image)[0], [64, 84, 104, 124, 144]
    )
    np.testing.assert_allclose(grey[:8], (across[0, ::2] + across[0, 1::2]) / 2, rtol=1e-5)
    assert not (down.any() or up.any() or falling.any())
    np.testing.assert_allclose(rising, (2 / 15) ** 0.5, rtol=1e-5)
    np.testing.assert_allclose(differences, np.log(0.2 / 3 + 0.01), rtol=1e-4)


@pytest.mark.parametrize(("count", "studies"), [(1, 1), (2, 1), (2, 2), (9, 3), (40, 40)])
def test_few_inputs_are_enough_to_go_on(count, studies):
    known = OodStatistics.fit([blobs(count, 6)], np.arange(count) % studies)
    assert np.isfinite(known.score(blobs(3, 7))).all()


def test_the_limit_is_measured_on_other_studies():
    """The inputs of a study are alike, so its own would make the limit too narrow."""
    images = np.repeat(blobs(12, 8), 5, axis=0)
    by_study = OodStatistics.fit([images], np.repeat(np.arange(12), 5))
    mixed = OodStatistics.fit([images], np.tile(np.arange(5), 12))
    assert by_study.limit > 2 * mixed.limit


def test_it_survives_the_file_exactly_and_is_small(known):
    described_by = metadata(ood=known)
    text = described_by.to_json()
    assert ModelMetadata.from_json(text) == described_by
    assert len(text) < 60_000
    assert "familiarity" not in metadata().to_json()


def test_it_costs_less_than_a_millisecond(known):
    images = blobs(50, 9, (64, 80, 3))
    began = time.process_time()
    known.score(images)
    assert time.process_time() - began < 50 * 2e-3  # twice as much, for slow machines


ROW = [0.0] * LENGTH


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"mean": ROW[1:]}, f"mean: .* {LENGTH} items .* not {LENGTH - 1}"),
        ({"mean": []}, f"mean: .* {LENGTH} items .* not 0"),
        ({"scale": ROW}, "scale.0: .* greater than 0"),
        ({"axes": []}, "axes: .* at least 1 item"),
        ({"axes": [ROW] * (COMPONENTS - 1) + [ROW[1:]]}, f"axes.11: .* {LENGTH} items"),
        ({"axes": [ROW] * 1000, "spread": [1.0] * 1000}, f"axes: .* at most {LENGTH} items"),
        ({"axes": [ROW] * COMPONENTS}, "not orthonormal"),
        ({"axes": [ROW]}, "1 axes and 12 spreads"),
        ({"axes": [[[]] * LENGTH] * COMPONENTS}, "axes.0.0: .* a valid number"),
        ({"axes": 5}, "axes: .* a valid tuple"),
        ({"spread": [-1.0] * COMPONENTS}, "spread.0: .* greater than 0"),
        ({"rest": 0}, "rest: .* greater than 0"),
        ({"rest": None}, "rest: .* a valid number"),
        ({"rest": "much"}, "much"),
        ({"limit": float("nan")}, "a finite number"),
        ({"limit": float("inf")}, "a finite number"),
        ({"limit": 10**400}, "limit: .* a valid number"),
        ({"mean": [float("nan")] * LENGTH}, "a finite number"),
        ({"surprise": 1}, "surprise is an unknown key"),
    ],
)
def test_statistics_that_cannot_be_used_are_refused(known, changes, what):
    document = json.loads(metadata(ood=known).to_json())
    document["familiarity"] |= changes
    with pytest.raises(ValueError, match=what):
        ModelMetadata.from_json(json.dumps(document))


@pytest.mark.parametrize("instead", [0, "", [], {}, "text", [1, 2], True])
def test_something_else_than_statistics_is_refused(instead):
    document = json.loads(metadata().to_json()) | {"familiarity": instead}
    with pytest.raises(ValueError, match="familiarity"):
        ModelMetadata.from_json(json.dumps(document))


@pytest.mark.parametrize("extreme", [1e308, -1e308])
def test_extreme_numbers_are_strange_and_break_nothing(known, extreme):
    odd = replace(known, mean=(extreme,) * LENGTH, scale=(5e-324,) * LENGTH)
    assert (read_document(OodStatistics, asdict(odd)).score(blobs(2, 3)) > 1).all()

import numpy as np
import pytest

from lss_cli.dataset.store import COORDS, IMAGE_TYPE, IMAGES, InputResult, Store, StudyInputs

SHAPE = (3, 4, 2)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path, SHAPE)


def inputs(count: int, seed: int = 0) -> StudyInputs:
    images = np.random.default_rng(seed).random((count, *SHAPE)).astype(IMAGE_TYPE)
    results = [InputResult(0.1 + n, 1 / 3, 100.5, 99.25) for n in range(count)]
    return StudyInputs(images, results)


def same(one: StudyInputs, other: StudyInputs | None) -> bool:
    return (
        other is not None
        and one.images.tobytes() == other.images.tobytes()
        and one.results == other.results
    )


def test_a_study_is_read_as_it_was_written(store):
    written = inputs(3)
    written.results[1] = InputResult(reason="image missing", detail='"Bäume" \ud800')
    store.write("key", written)
    assert same(written, store.read("key"))
    assert store.read("other") is None


def test_equal_inputs_give_equal_bytes(store):
    store.write("one", inputs(3))
    store.write("other", inputs(3))
    assert store.path("one").read_bytes() == store.path("other").read_bytes()


def test_no_flipped_byte_goes_unnoticed(store):
    store.write("key", inputs(2))
    whole = store.path("key").read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        store.path("key").write_bytes(damaged)
        assert store.read("key") is None, position


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_file_that_was_cut_short_is_none(store, keep):
    store.write("key", inputs(2))
    path = store.path("key")
    path.write_bytes(path.read_bytes()[:keep])
    assert store.read("key") is None


def test_inputs_of_another_size_are_none(store, tmp_path):
    store.write("key", inputs(2))
    assert Store(tmp_path, (4, 3, 2)).read("key") is None


def test_arrays_hold_all_studies_in_their_order(store, tmp_path):
    studies = [inputs(2, seed=1), inputs(0), inputs(3, seed=2)]
    results = store.write_arrays(5, iter(studies))
    images = np.load(tmp_path / IMAGES, allow_pickle=False)
    coords = np.load(tmp_path / COORDS, allow_pickle=False)
    assert images.dtype == IMAGE_TYPE
    np.testing.assert_array_equal(images, np.concatenate([study.images for study in studies]))
    assert results == [result for study in studies for result in study.results]
    assert coords.dtype == np.float32
    assert coords == pytest.approx(np.array([result[:2] for result in results]))


def test_only_what_is_named_stays(store, tmp_path):
    for key in ("a", "b"):
        store.write(key, inputs(1))
    store.write_arrays(1, [inputs(1)])
    store.prune(["b"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.study", COORDS, IMAGES]

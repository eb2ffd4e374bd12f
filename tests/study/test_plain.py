import warnings
from pathlib import Path

import pydicom
import pytest

from lss_cli.study.headers import KEYWORDS, TAGS
from lss_cli.study.plain import WINDOW, read_plain

# Those that come with pydicom; nothing is downloaded.
FILES = sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm"))


def start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(WINDOW)


def same(ours, theirs) -> bool:
    if ours is None:
        return theirs in (None, "")
    if isinstance(ours, list):
        return ours == [float(part) for part in theirs]
    return ours == theirs or str(ours) == str(theirs)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_read_is_what_pydicom_reads(path):
    plain = read_plain(start(path), TAGS)
    if plain is None:
        return
    values, syntax, pixel_data_offset = plain
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")
        header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(TAGS))
        assert pixel_data_offset == file.tell()
        assert syntax == header.file_meta.TransferSyntaxUID
        assert set(values) == {keyword for keyword in KEYWORDS if keyword in header}
        assert all(same(value, header.get(keyword)) for keyword, value in values.items())


def test_plain_files_are_recognised(phantoms):
    known = [path for path in FILES if read_plain(start(path), TAGS)]
    assert len(known) > 20
    for path in phantoms.rglob("*.dcm"):
        assert read_plain(start(path), TAGS)


@pytest.mark.parametrize("keep", [0, 100, 131, 140, 400, 900])
def test_a_header_cut_short_is_left_to_pydicom(phantoms, keep):
    path = next(phantoms.rglob("*.dcm"))
    assert read_plain(start(path)[:keep], TAGS) is None


def test_no_damage_of_a_byte_raises(phantoms):
    whole = bytearray(start(next(phantoms.rglob("*.dcm"))))
    for at in range(128, 1500):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        read_plain(bytes(damaged), TAGS)

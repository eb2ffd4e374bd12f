import os
import stat
import subprocess
import sys

import pytest

from lss_cli.errors import OutputError
from lss_cli.files import check_writable, lock, make_folder, path_inside, replacing, write_text


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_usual_permissions(tmp_path):
    write_text(tmp_path / "a", "ä\n")
    plain = tmp_path / "b"
    plain.touch()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert (tmp_path / "a").read_bytes() == "ä\n".encode()


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="this is a folder"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match="does not exist"):
        check_writable(tmp_path / "none" / "out.csv")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be created"):
        make_folder(tmp_path / "file" / "folder")


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may all")
def test_write_protected(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="write-protected"):
        check_writable(tmp_path / "out.csv")


@pytest.mark.parametrize("name", ["", ".", "..", "../x.png", "a/../../x", "/etc/passwd", "a\\b"])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path, name):
    assert path_inside(tmp_path, name) is None


def test_names_below_the_folder_are_found(tmp_path):
    assert path_inside(tmp_path, "a/./b.png") == tmp_path / "a" / "b.png"


def test_a_locked_file_is_refused_to_all_others_until_it_is_closed_or_its_process_is_killed(
    tmp_path,
):
    path = tmp_path / "journal"
    code = (
        "from lss_cli.files import lock; f = open(sys.argv[1], 'ab+'); print(lock(f), flush=True)"
    )
    script = [sys.executable, "-c", f"import sys, time; {code}; time.sleep(100)", str(path)]
    process = subprocess.Popen(script, stdout=subprocess.PIPE)
    assert process.stdout.readline().strip() == b"True"
    with path.open("rb+") as file:
        assert not lock(file)
        process.kill()
        process.communicate()
        assert lock(file)
        with path.open("rb+") as other:
            assert not lock(other)
    with path.open("rb+") as file:
        assert lock(file)

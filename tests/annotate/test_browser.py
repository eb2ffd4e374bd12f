import os
import re
import signal
import stat
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from lss_cli.anatomy import Condition
from lss_cli.annotate.browser import annotate_in_browser, wait_for_annotations
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.errors import LssError, PointsError, UsageError
from tests.annotate.conftest import SIDES
from tests.annotate.documents import ABSENT


@pytest.fixture
def wait(two_series):
    """Wait for a page on which `done` does what a person would."""

    def run(done, *, grade=lambda annotations: None, open_browser=lambda link: False, **options):
        session = AnnotationSession(StudyView.of(two_series), SIDES, grade, **options)
        threading.Timer(0.05, done, [session]).start()
        said = []
        return wait_for_annotations(session, said.append, open_browser), said[0]

    return run


def finish(session):
    session.finish(session.annotate({"marks": [ABSENT]}, 0))


def test_the_link_and_how_to_forward_it_are_said(wait):
    annotations, said = wait(finish)
    assert annotations.not_visible
    assert "http://127.0.0.1:" in said
    assert "ssh -L" in said


def test_the_browser_is_opened_where_there_is_one(wait):
    _, said = wait(finish, open_browser=lambda address: True)
    assert "http://127.0.0.1:" in said
    assert "ssh" not in said
    assert "ssh" in wait(finish, open_browser=lambda link: False)[1]


def test_the_link_is_in_no_command_line_but_in_a_file_for_its_owner(wait):
    opened = []

    def open_browser(address):
        file = Path(url2pathname(urlsplit(address).path))
        opened.append((address, file, file.read_text()))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        return True

    _, said = wait(finish, open_browser=open_browser)
    ((address, file, text),) = opened
    link = re.search(r"http://\S+", said)[0]
    assert "token" not in address
    assert link in text
    assert not file.parent.exists()


def test_without_a_temporary_folder_the_link_is_printed(wait, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/none/at/all")
    _, said = wait(finish, open_browser=lambda address: pytest.fail("opened"))
    assert "http://127.0.0.1:" in said
    assert "ssh" in said


def test_nothing_set_is_no_result(wait):
    with pytest.raises(PointsError, match="before a point was set or"):
        wait(lambda session: session.finish(0))


def test_conditions_graded_elsewhere_are_refused(two_series):
    with pytest.raises(UsageError, match="axial"):
        annotate_in_browser(
            two_series,
            conditions=[Condition.SPINAL_CANAL],
            grade=lambda annotations: None,
            announce=print,
            open_browser=lambda link: False,
        )


def test_ctrl_c_goes_through(wait):
    with pytest.raises(KeyboardInterrupt):
        wait(lambda session: os.kill(os.getpid(), signal.SIGINT))
    # The server has ended with it.
    assert "lss page" not in {thread.name for thread in threading.enumerate()}


def test_a_fault_of_ours_ends_the_wait_and_is_not_hidden(wait):
    def broken(annotations):
        raise ZeroDivisionError

    def grade(session):
        with pytest.raises(LssError, match="a fault in lss"):
            session.grade(0)

    with pytest.raises(ZeroDivisionError):
        wait(grade, grade=broken)


def test_closing_the_page_ends_and_keeps_what_was_set(wait):
    def close(session):
        page = session.open_page()["page"]
        session.annotate({"marks": [ABSENT]}, 0)
        session.pages.close(page)

    assert wait(close, return_s=0.05)[0].not_visible

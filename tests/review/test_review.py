import json
import os
import platform
import re
import shutil
import threading
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener, url2pathname

import pytest

import lss_cli.batch.cluster
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.draft import Draft
from lss_cli.batch.job import GradingJob, grade_job
from lss_cli.batch.pool import JobAnswer
from lss_cli.locate.proposer import Proposer
from lss_cli.model.models import Models
from lss_cli.points.point import PointSource
from lss_cli.review.notice import places_of, post_notice
from lss_cli.review.review import StudyOpener
from tests.annotate.conftest import SIDES
from tests.annotate.documents import MARK
from tests.locate.studies import plan, write_coded_study, write_locators
from tests.processes import wait_for
from tests.tables import read_rows


@pytest.fixture
def person(lss, tiny_model, tmp_path):
    """Run the command with a person who does at the queue what `act` says, by HTTP alone."""

    def run(studies, act, *options):
        threads = []

        def open_link(address):
            text = Path(url2pathname(urlsplit(address).path)).read_text()
            link = re.search(r"http://[^\"]+", text)[0]
            threads.append(threading.Thread(target=visit, args=(link,)))
            threads[-1].start()
            return True

        def visit(link):
            opener = build_opener(HTTPCookieProcessor())
            with opener.open(link) as entry:
                folder = re.search(r"url=([^\"]+)", entry.read().decode())[1]
            origin = link.partition("/?")[0]

            def ask(path, values=None, method="POST"):
                body = b"" if values is None else json.dumps(values).encode()
                request = Request(origin + folder + path, body, {"Origin": origin}, method=method)
                with opener.open(request) as answer:
                    content = answer.read()
                return json.loads(content) if content else None

            try:
                act(ask)
            finally:
                ask("finish")

        return lss(
            "review",
            studies,
            *options,
            "--out",
            tmp_path / "report.csv",
            "--model",
            tiny_model,
            variables={"DISPLAY": ":0"},
            open_link=open_link,
            # No network proposes points.
            models=tmp_path / "models",
        )

    return run


def test_what_is_confirmed_is_reported_with_overview_and_pages(person, studies, tmp_path):
    names = sorted(path.name for path in studies.iterdir())
    zipped = Path(shutil.make_archive(studies / "zipped", "zip", studies / names[0]))
    shutil.rmtree(studies / names[0])
    for name in names[3:]:
        shutil.rmtree(studies / name)
    names = sorted([*names[1:3], zipped.stem])

    def act(ask):
        queue = ask("begin")
        assert [study["name"] for study in queue["studies"].values()] == names
        assert ask("show/0")["state"] == "cannot be used"
        for index in (1, 2):
            assert ask(f"show/{index}")["state"] == "new"
            version = ask(f"study/{index}/marks/0", {"marks": [MARK]}, "PUT")["version"]
            ask(f"confirm/{index}/{version}")

    overview = tmp_path / "report.html"
    code, out, err = person(studies, act, "--html", overview, "--pages")
    assert code == 4, err
    assert "3 studies, 30 rows, 28 not graded" in out
    rows = read_rows(tmp_path / "report.csv")
    assert {row["study_id"]: row["points"] for row in rows if row["grade"]} == {
        names[1]: "clicked",
        names[2]: "clicked",
    }
    reasons = {row["reason"] for row in rows if row["study_id"] == names[2] and not row["grade"]}
    assert reasons == {"no point was set for this level."}
    assert all(name in overview.read_text() for name in names)
    assert len(list((tmp_path / "report.pages").iterdir())) == 2
    assert {row["study_id"] for row in read_rows(tmp_path / "report.coords.csv")} == {
        names[1],
        names[2],
    }


def test_a_cluster_grades_what_is_confirmed(
    person, studies, tiny_model, tmp_path, near_cluster, monkeypatch
):
    for name in sorted(path.name for path in studies.iterdir())[1:]:
        shutil.rmtree(studies / name)
    graded = []

    class ClusterOnly:
        """Within this process, which spares the start of another."""

        def __init__(self, grader):
            self.grader = grader

        def grade(self, job):
            graded.append(job.study_id)
            return JobAnswer(job, grade_job(job, Models.load([tiny_model])))

    monkeypatch.setattr(lss_cli.batch.cluster, "Worker", ClusterOnly)
    address = near_cluster()

    def act(ask):
        ask("begin")
        ask("show/0")
        version = ask("study/0/marks/0", {"marks": [MARK]}, "PUT")["version"]
        ask(f"confirm/0/{version}")
        wait_for(lambda: ask("begin")["studies"]["0"]["state"] == "graded")

    code, _, err = person(studies, act, "--scheduler", address)
    assert code == 4, err
    (name,) = {row["study_id"] for row in read_rows(tmp_path / "report.csv") if row["grade"]}
    # While the person is at it, and not once more in the end.
    assert graded == [name]
    assert json.loads((tmp_path / "report.json").read_text())["workers"] == address


def test_without_a_confirmed_study_there_is_no_report(person, studies, tmp_path):
    code, out, err = person(studies, lambda ask: ask("begin"))
    assert (code, out) == (4, "")
    assert "Nothing is confirmed" in err
    assert not (tmp_path / "report.csv").exists()


def test_the_second_person_on_one_folder_is_told_also_for_another_report(person, studies, tmp_path):
    # As a killed review leaves it.
    (studies / ".lss-review-stale").touch()
    told = []
    places = places_of([studies], studies.iterdir())
    with post_notice(places) as others:
        assert others == []
        code, _, err = person(studies, lambda ask: told.append(ask("begin")["notice"]))
        assert code == 4
        who = f"process {os.getpid()} on {platform.node()}, since "
        assert f"Another lss review of these studies is going on, with another --out: {who}" in err
        assert told[0] in err.replace("\n", " ")
        # Its own sign is gone, the other's is not.
        assert len(list(studies.glob(".lss-review-*"))) == 1
    assert not list(studies.glob(".lss-review-*"))
    # By the studies' names it is the same folder; one that nobody can write to has no sign.
    assert places_of(list(studies.iterdir()), studies.iterdir()) == places == [studies]
    with post_notice([tmp_path / "none"]) as others:
        assert others == []
    code, _, err = person(studies, lambda ask: told.append(ask("begin")["notice"]))
    assert told[1] == "" and "Another" not in err


def test_a_table_that_is_there_is_not_overwritten(lss, studies, points, tiny_model, tmp_path):
    out = tmp_path / "report.csv"
    arguments = ("review", studies, "--out", out, "--model", tiny_model)
    code, _, err = lss(*arguments, "--save-coords", points)
    assert (code, "would be overwritten" in err) == (3, True)
    code, _, err = lss(*arguments, "--coords", points, "--save-coords", points)
    assert (code, "would be overwritten" in err) == (2, True)
    assert lss(*arguments, "--pages")[0] == 2
    assert not (tmp_path / "report.csv.review").exists()


@pytest.fixture
def opener(tiny_model, tmp_path):
    proposer = Proposer(write_locators(tmp_path / "models"))
    return StudyOpener(Models.load([tiny_model]), SIDES, proposer)


def job(folder):
    return GradingJob(folder.name, str(folder), (), (), SIDES)


def test_points_are_proposed_where_none_are_known(opener, tmp_path):
    study = write_coded_study(tmp_path / "coded", plan(1, slices=3))
    opened = opener.open(job(study), None, Draft(None))
    annotations = opened.session.annotations
    assert len(annotations.points) == 10
    assert {point.source for point in annotations.points} == {PointSource.PROPOSED}
    page = opened.session.open_page()
    assert page["queued"]
    assert len(page["hints"]) == 10
    # What a person took away does not come back.
    again = opener.open(job(study), Annotations(remark="looked at"), Draft(None))
    assert again.session.annotations.points == ()
    assert again.session.annotations.remark == "looked at"


def test_one_line_says_why_nothing_is_proposed(opener, tmp_path, tiny_model):
    study = write_coded_study(tmp_path / "coded", plan(1, slices=3), without=("Sagittal T2/STIR",))
    note = opener.open(job(study), None, Draft(None)).session.open_page()["note"]
    assert note
    bare = StudyOpener(Models.load([tiny_model]), SIDES, Proposer(tmp_path / "none"))
    with ExitStack() as files:
        opened = bare.open(job(study), None, Draft(None))
        files.push(opened.files)
        assert opened.session.open_page()["note"].startswith("No points are proposed: there is no")
        assert opened.session.annotations.points == ()

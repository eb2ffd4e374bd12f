import shutil
import subprocess
from collections import Counter
from dataclasses import replace

import pydicom
import pytest
from pydicom.uid import Comprehensive3DSRStorage

import lss_cli.batch.cluster
import lss_cli.node.send
import lss_cli.node.service
from lss_cli.locate.locate import Locators, locate
from lss_cli.node.register import State, StudyRegister
from lss_cli.node.spool import register_path
from lss_cli.points.point import PointSource
from lss_cli.points.table import write_points
from lss_cli.study.study import read_study
from tests.batch.studies import retag
from tests.locate.studies import plan, write_coded_study, write_locators
from tests.node.conftest import OddArchive, files, program, send, uid_of, wait_for
from tests.output.conftest import items
from tests.tables import read_rows, write_rows


def name_the_patient(study):
    retag(study, PatientName="Doe^Secretive", PatientID="HOSP-4711", AccessionNumber="ACC0815")


def uids(archive):
    return sorted(str(made.SOPInstanceUID) for made in archive.objects())


def assert_valid(archive):
    for path in archive.folder.iterdir():
        run = subprocess.run(
            [program("dciodvfy"), path], capture_output=True, text=True, check=False
        )
        assert "Error" not in run.stdout + run.stderr


def test_what_comes_in_is_graded_and_goes_to_the_archive(node, archive, study, said):
    name_the_patient(study)
    node.start()
    assert node.send(study).returncode == 0
    node.wait(study, State.SENT)
    objects = archive.objects()
    assert Counter(made.SOPClassUID.name for made in objects) == {
        "Comprehensive 3D SR Storage": 1,
        "Secondary Capture Image Storage": 6,
    }
    assert len({made.SeriesInstanceUID for made in objects}) == 2
    source = pydicom.dcmread(files(study)[0])
    for made in objects:
        assert made.StudyInstanceUID == source.StudyInstanceUID
        assert (made.PatientName, made.PatientID) == ("Doe^Secretive", "HOSP-4711")
    assert_valid(archive)
    text = " ".join(said)
    assert not [secret for secret in ("Secretive", "4711", "0815") if secret in text]


def test_a_study_sent_again_brings_nothing_and_one_that_has_changed_another_result(
    node, archive, study, coords
):
    node.start()
    node.send(study)
    first = node.wait(study, State.SENT)
    before = uids(archive)
    node.send(study)
    assert node.record(study) == first
    # A late series that no point lies in, as a localiser: what is said stays the same.
    ds = pydicom.dcmread(files(study)[0])
    ds.SeriesInstanceUID, ds.SeriesDescription = "1.2.3.4", "LOC"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    ds.save_as(study / "late.dcm")
    send(node.options.port, study / "late.dcm")
    assert node.record(study).revision == first.revision + 1
    second = node.wait(study, State.SENT)
    assert uids(archive) == before
    # The patient is another, by all files.
    name_the_patient(study)
    node.send(study)
    wait_for(lambda: node.record(study).revision > second.revision)
    node.wait(study, State.SENT)
    assert set(before) < set(uids(archive)) and len(uids(archive)) == 2 * len(before)
    # A person corrects a point, and takes that back: each time the archive gets a report.
    rows = read_rows(coords)
    for count, x in ((3, float(rows[0]["x"]) + 2), (4, rows[0]["x"])):
        write_rows(coords, [rows[0] | {"x": x}, *rows[1:]])
        wait_for(lambda count=count: len(uids(archive)) == count * len(before))
        node.wait(study, State.SENT)
    reports = [made for made in archive.objects() if made.Modality == "SR"]
    by_uid = {report.SOPInstanceUID: report for report in reports}
    predecessors = {uid: predecessor(report, by_uid) for uid, report in by_uid.items()}
    # Each takes the place of the one before, back to the first, which takes nobody's.
    chain = [*(set(by_uid) - set(predecessors.values()))]
    while chain[-1]:
        chain.append(predecessors[chain[-1]])
    assert len(chain) == 5
    assert set(chain[:-1]) == set(by_uid)
    assert_valid(archive)


def predecessor(report, by_uid):
    """The report whose place this one takes, found by all that the reference says."""
    if "PredecessorDocumentsSequence" not in report:
        return None
    (study,) = report.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (instance,) = series.ReferencedSOPSequence
    before = by_uid[instance.ReferencedSOPInstanceUID]
    assert instance.ReferencedSOPClassUID == before.SOPClassUID
    assert series.SeriesInstanceUID == before.SeriesInstanceUID
    assert study.StudyInstanceUID == before.StudyInstanceUID
    return before.SOPInstanceUID


def test_files_of_what_was_sent_are_deleted_and_half_a_study_is_not_graded(
    node, archive, study, tmp_path, monkeypatch
):
    monkeypatch.setattr(lss_cli.node.service, "SWEEP_S", 0.1)
    unknown = shutil.copytree(study, tmp_path / "unknown")
    retag(unknown, StudyInstanceUID="1.2.3.998")
    node.start(keep_s=0.0)
    node.send(study, unknown)
    node.wait(unknown, State.WAITING)
    received, results = (node.options.spool / name for name in ("received", "results"))
    # What waits for a person stays.
    wait_for(lambda: [path.name for path in received.iterdir()] == ["1.2.3.998"])
    wait_for(lambda: not (results / uid_of(study)).exists())
    assert node.record(study).reason == "its files are deleted."
    before = uids(archive)
    assert len(before) == 7
    # A file that comes late is no study; the whole study is, and says nothing new.
    send(node.options.port, files(study)[0])
    assert "Send the whole study again" in node.wait(study, State.FAILED).reason
    node.send(study)
    wait_for(lambda: node.record(study).reason == "its files are deleted.")
    assert uids(archive) == before


# pynetdicom leaves a socket to be collected where nobody answers.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_archive_that_is_down_gets_its_results_when_it_is_back(
    node, archive, study, said, monkeypatch
):
    monkeypatch.setattr(lss_cli.node.send, "FIRST_PAUSE_S", 0.2)
    archive.stop()
    node.start()
    node.send(study)
    waiting = wait_for(lambda: (it := node.record(study)) and it.reason and it)
    assert waiting.state is State.SENDING and waiting.next_try > 0
    assert waiting.reason == f"PACS@127.0.0.1:{archive.port} cannot be reached."
    # Also over a restart.
    node.stop()
    said.clear()
    archive.start()
    node.start()
    assert node.wait(study, State.SENT).reason == ""
    assert len(uids(archive)) == 7


@pytest.fixture
def odd(archive, request):
    archive.stop()
    odd = OddArchive(archive.port, *getattr(request, "param", ()))
    yield odd
    odd.entity.shutdown()


@pytest.mark.parametrize("odd", [((Comprehensive3DSRStorage,),)], indirect=True)
def test_an_archive_that_takes_no_images_is_a_failure_with_a_reason(node, odd, study):
    node.start()
    node.send(study)
    failed = node.wait(study, State.FAILED)
    assert "does not take Secondary Capture Image Storage" in failed.reason
    assert odd.taken == []


def test_what_the_archive_refuses_is_a_failure_and_tried_again_when_sent_again(node, odd, study):
    odd.answers = [0, 0xC123]
    node.start()
    node.send(study)
    assert "refused it (status C123)" in node.wait(study, State.FAILED).reason
    assert len(odd.taken) == 1
    node.send(study)
    node.wait(study, State.SENT)
    assert len(odd.taken) == len(set(odd.taken)) == 7


@pytest.mark.parametrize("trouble", ["abort", 0xA700])
def test_an_archive_that_breaks_off_or_is_full_gets_the_rest_later(
    node, odd, study, trouble, monkeypatch
):
    monkeypatch.setattr(lss_cli.node.send, "FIRST_PAUSE_S", 0.2)
    odd.answers = [0, 0, trouble, 0, trouble]
    node.start()
    node.send(study)
    node.wait(study, State.SENT)
    assert len(odd.taken) == len(set(odd.taken)) == 7
    assert len(odd.proposed) == 3 and max(odd.proposed) <= 2


def test_without_points_a_study_waits_until_a_table_has_them(node, archive, study, coords):
    rows = read_rows(coords)
    write_rows(coords, [row | {"study_id": "1.2.3.999"} for row in rows])
    node.start()
    node.send(study)
    assert node.wait(study, State.WAITING).reason == "points to be set."
    assert uids(archive) == []
    # Also while no node runs.
    node.stop()
    node.said.clear()
    write_rows(coords, rows)
    node.start()
    node.wait(study, State.SENT)
    assert len(uids(archive)) == 7


def test_what_is_no_lumbar_study_fails_and_says_why(node, archive, study, coords):
    retag(study, ImageOrientationPatient=None)
    node.start()
    node.send(study)
    failed = node.wait(study, State.FAILED)
    assert "ImageOrientationPatient is missing" in failed.reason
    assert uids(archive) == []


@pytest.fixture
def coded(tmp_path):
    """A study in which the tests' locator finds all points."""
    folder = write_coded_study(tmp_path / "coded", plan(1, slices=3))
    for path in files(folder):
        ds = pydicom.dcmread(path)
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID
        ds.PatientID, ds.PatientName, ds.Modality = "HOSP-4711", "Doe^Secretive", "MR"
        ds.save_as(path)
    return folder


def test_proposed_points_wait_for_a_person_and_go_on_when_confirmed(
    node, archive, coded, coords, tmp_path
):
    node.start(locators=write_locators(tmp_path / "locators"))
    node.send(coded)
    assert node.wait(coded, State.WAITING).reason == "points to be confirmed."
    assert uids(archive) == []
    proposal = locate(read_study(coded), Locators.load(node.options.locators))
    points = [
        replace(item.point, study_id=uid_of(coded), source=PointSource.CONFIRMED)
        for item in proposal.points
    ]
    write_points(coords, points)
    node.wait(coded, State.SENT)
    assert len(uids(archive)) == 7


@pytest.mark.parametrize(("sure", "state"), [(0.5, State.SENT), (0.9, State.WAITING)])
def test_unattended_only_what_is_sure_is_sent(node, archive, coded, tmp_path, sure, state):
    node.start(locators=write_locators(tmp_path / "locators", sure=sure), unattended=True)
    node.send(coded)
    node.wait(coded, state)
    if state is State.WAITING:
        assert uids(archive) == []
        return
    report = next(made for made in archive.objects() if made.Modality == "SR")
    comments = [item.TextValue for item in items(report, "Comment")]
    assert any("proposed" in comment for comment in comments)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("odd")])
def test_what_nobody_foresaw_interrupts_and_loses_nothing(
    node, archive, study, monkeypatch, error, said
):
    monkeypatch.setattr(lss_cli.node.service, "PAUSE_S", 0.2)
    monkeypatch.setattr(lss_cli.node.send, "FIRST_PAUSE_S", 0.2)
    errors = {"keep_result": [error] if isinstance(error, OSError) else [], "_store": [error]}

    def failing(owner, name):
        whole = getattr(owner, name)

        def step(*arguments):
            if errors[name]:
                raise errors[name].pop()
            return whole(*arguments)

        monkeypatch.setattr(owner, name, step)

    failing(lss_cli.node.spool.Spool, "keep_result")
    failing(lss_cli.node.send.Sender, "_store")
    node.start()
    node.send(study)
    node.wait(study, State.SENT)
    assert errors == {"keep_result": [], "_store": []}
    assert len(uids(archive)) == 7
    assert "going on in 0.2 s" in " ".join(said) or "cut off (ValueError)" in " ".join(said)


def test_a_node_that_ended_just_before_it_noted_the_end_sends_nothing_again(
    node, odd, study, monkeypatch
):
    node.start()
    node.send(study)
    node.wait(study, State.SENT)
    node.stop()
    register = StudyRegister(register_path(node.options.spool))
    register._database._connection.execute("UPDATE study SET state = ?", (State.SENDING,))
    register.close()
    node.said.clear()
    node.start()
    node.wait(study, State.SENT)
    assert len(odd.taken) == 7


def test_a_cluster_grades_for_the_node(node, archive, study, near_cluster, monkeypatch):
    graded = []

    class ClusterOnly(lss_cli.batch.cluster.Worker):
        def grade(self, job):
            graded.append(job.study_id)
            answer = super().grade(job)
            if len(graded) == 1:
                # As where the spool is not the same on all machines.
                shutil.rmtree(job.dicom)
            return answer

    monkeypatch.setattr(lss_cli.batch.cluster, "Worker", ClusterOnly)
    node.start(scheduler=near_cluster(), workers=3)
    node.send(study)
    assert "the result is not in the spool" in node.wait(study, State.FAILED).reason
    node.send(study)
    node.wait(study, State.SENT)
    assert len(uids(archive)) == 7
    assert graded == [uid_of(study)] * 2

import random

import pytest

from lss_cli.errors import OutputError
from lss_cli.node.register import NEXT, ResultObject, State, StudyRegister


@pytest.fixture
def register(tmp_path):
    register = StudyRegister(tmp_path / "register.sqlite")
    yield register
    register.close()


def make_complete(register, uid="1.2", now=0.0):
    register.note_file(uid, "1.2.3", "1.2.3.4", "a", 10, now)
    (study,) = register.settle(now, now)
    return study


RESULT = [
    ResultObject("9.1", "1.1", "9", "report.dcm"),
    ResultObject("9.2", "1.1", "9", "table.dcm"),
]


def test_a_study_is_complete_when_nothing_came_for_a_while(register):
    register.note_file("1.2", "1.2.3", "1.2.3.4", "a", 10, now=100)
    register.note_repeat("1.2", now=110)
    assert register.settle(before=109, now=114) == []
    (study,) = register.settle(before=110, now=115)
    assert register.find("1.2").state is State.COMPLETE
    # A file that comes again as it was opens nothing.
    register.note_repeat("1.2", now=120)
    assert register.find("1.2").state is State.COMPLETE
    assert study.files == 1


def test_work_on_files_that_have_changed_meanwhile_comes_too_late(register):
    study = make_complete(register)
    register.note_file("1.2", "1.2.3", "1.2.3.5", "b", 10, now=5)
    assert not register.move(study, State.SENDING, result=RESULT)
    assert register.find("1.2").state is State.RECEIVED
    assert register.unsent(register.find("1.2")) == []


def test_what_the_archive_has_is_not_sent_again(register):
    study = make_complete(register)
    assert register.move(study, State.SENDING, result=RESULT)
    register.note_sent("9.1")
    study = register.find("1.2")
    assert [left.instance for left in register.unsent(study)] == ["9.2"]
    register.note_sent("9.2")
    assert register.move(study, State.SENT)
    # Late files, and a result that says the same, under the same UIDs.
    register.note_file("1.2", "1.2.9", "1.2.9.1", "c", 10, now=9)
    (study,) = register.settle(9, 9)
    assert register.move(study, State.SENDING, result=RESULT)
    assert register.find("1.2").state is State.SENT
    # And one that says something else.
    register.note_file("1.2", "1.2.9", "1.2.9.1", "d", 10, now=9)
    (study,) = register.settle(9, 9)
    other = ResultObject("9.3", "1.1", "9", "report.dcm")
    assert register.move(study, State.SENDING, result=[other])
    assert register.unsent(register.find("1.2")) == [other]


def test_of_a_result_that_was_refused_nothing_is_sent_with_the_next(register):
    study = make_complete(register)
    register.move(study, State.SENDING, result=RESULT)
    register.note_sent("9.1")
    register.move(register.find("1.2"), State.FAILED, "refused.")
    # Other points, the same files.
    register.move(register.find("1.2"), State.COMPLETE)
    other = ResultObject("9.3", "1.1", "9", "report.dcm")
    register.move(register.find("1.2"), State.SENDING, result=[other])
    assert register.unsent(register.find("1.2")) == [other]


def test_files_of_what_was_sent_can_be_forgotten_and_nothing_else(register):
    study = make_complete(register)
    register.move(study, State.WAITING, "points to be set.")
    assert register.sent_before(1e12) == []
    assert register.forget_files(register.find("1.2")) is None
    register.move(register.find("1.2"), State.COMPLETE, now=10)
    register.move(register.find("1.2"), State.SENDING, result=RESULT)
    register.move(register.find("1.2"), State.SENT, now=20)
    assert register.sent_before(19) == []
    (study,) = register.sent_before(20)
    assert register.forget_files(study) == 10
    assert (register.file_names(), register.received_bytes()) == (set(), 0)
    left = register.find("1.2")
    assert (left.state, left.files, left.gone) == (State.SENT, 0, 1)
    assert register.sent_before(20) == []


def test_what_failed_is_tried_again_when_it_is_sent_again(register):
    study = make_complete(register)
    register.move(study, State.FAILED, "no axial T2.")
    assert register.find("1.2").reason == "no axial T2."
    register.note_repeat("1.2", now=50)
    assert register.find("1.2").state is State.RECEIVED


def test_no_way_leads_where_none_should(register):
    study = make_complete(register)
    with pytest.raises(AssertionError):
        register.move(study, State.RECEIVED)


def test_whatever_happens_in_whatever_order_a_study_has_one_state_and_results_go_once(tmp_path):
    chance = random.Random(3)
    register = StudyRegister(tmp_path / "register.sqlite")
    acts = ["repeat", "file", *["settle", "move", "send"] * 3, "stale", "reopen"]
    sent, stale = [], []
    for now in range(250):
        uid = f"1.{chance.randrange(3)}"
        study = register.find(uid)
        act = chance.choice(acts)
        if act == "file":
            digest = str(chance.randrange(3))
            register.note_file(uid, f"{uid}.1", f"{uid}.1.{chance.randrange(3)}", digest, 1, now)
        elif act == "repeat":
            register.note_repeat(uid, now)
        elif act == "settle":
            register.settle(now - 1, now)
        elif act == "reopen":
            # As a killed process leaves it.
            register.close()
            register = StudyRegister(tmp_path / "register.sqlite")
        elif act == "stale" and stale:
            old = chance.choice(stale)
            current = register.find(old.uid)
            if current.revision != old.revision and NEXT[old.state]:
                assert not register.move(old, chance.choice(sorted(NEXT[old.state])))
        elif study and act == "send" and study.state is State.SENDING:
            for made in register.unsent(study):
                sent.append(made.instance)
                register.note_sent(made.instance)
            assert register.move(study, State.SENT)
        elif study and act == "move" and NEXT[study.state] - {State.SENT}:
            to = chance.choice(
                sorted(NEXT[study.state] - {State.SENT, State.FAILED}) or [State.FAILED]
            )
            result = []
            if to is State.SENDING:
                instance = f"{uid}.9.{study.revision}"
                result = [ResultObject(instance, "1.1", "9", "report.dcm")]
            assert register.move(study, to, "why", result)
            stale.append(study)
    assert len(register.studies()) == 3
    assert len(sent) == len(set(sent)) > 3
    register.close()


def test_another_process_may_look_and_not_change(register, tmp_path):
    make_complete(register)
    looking = StudyRegister(tmp_path / "register.sqlite", read_only=True)
    assert [study.uid for study in looking.studies()] == ["1.2"]
    with pytest.raises(Exception, match="readonly"):
        looking.note_repeat("1.2", 3)
    looking.close()


def test_a_register_of_another_version_is_refused(tmp_path):
    register = StudyRegister(tmp_path / "register.sqlite")
    register._database._connection.execute("PRAGMA user_version = 99")
    register.close()
    with pytest.raises(OutputError, match="another version"):
        StudyRegister(tmp_path / "register.sqlite")

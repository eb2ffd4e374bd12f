import shutil
import subprocess
import time
from io import BytesIO

import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian, RLELossless
from pynetdicom import AE
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import MRImageStorage

from lss_cli.node.peers import Peer, Senders
from lss_cli.node.receive import Receiver
from lss_cli.node.register import State
from lss_cli.node.spool import RESERVE_BYTES, Spool
from tests.node.conftest import HERE, files, program, send, statuses, uid_of


def names(spool):
    return sorted(path.relative_to(spool.folder) for path in spool.folder.rglob("*.dcm"))


def test_it_answers_an_echo(port):
    echo = [program("echoscu"), "-aet", "PACS", "-aec", "LSS", HERE, str(port)]
    assert subprocess.run(echo, check=False, timeout=30).returncode == 0


def test_what_is_sent_lies_in_the_spool_under_its_uids(port, spool, study):
    run = send(port, *files(study))
    assert run.returncode == 0 and set(statuses(run)) == {"Success"}
    stored = sorted((spool.study_folder(uid_of(study))).rglob("*.dcm"))
    assert len(stored) == len(files(study))
    originals = {pydicom.dcmread(path).SOPInstanceUID: path for path in files(study)}
    for path in stored:
        received = pydicom.dcmread(path)
        assert path.stem == received.SOPInstanceUID
        assert path.parent.name == received.SeriesInstanceUID
        original = pydicom.dcmread(originals[received.SOPInstanceUID])
        assert received == original
    (record,) = spool.register.studies()
    assert (record.state, record.files) == (State.RECEIVED, len(stored))
    assert not list((spool.folder / "incoming").iterdir())


def test_compressed_files_are_taken_as_they_are(port, spool, study):
    path = files(study)[0]
    ds = pydicom.dcmread(path)
    ds.compress(RLELossless)
    ds.save_as(path)
    assert statuses(send(port, path, more=["-xr"])) == ["Success"]
    (stored,) = names(spool)
    assert pydicom.dcmread(spool.folder / stored).file_meta.TransferSyntaxUID == RLELossless


# pynetdicom's own thread may stumble where an association ends while it is being rejected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("who", "why"),
    [
        ({"caller": "STRANGER"}, "Calling AE Title Not Recognized"),
        ({"called": "OTHER"}, "Called AE Title Not Recognized"),
        # Named, but from another address.
        ({"caller": "AWAY"}, "Calling AE Title Not Recognized"),
    ],
)
def test_who_is_not_named_is_rejected(port, spool, study, said, who, why):
    run = send(port, files(study)[0], **who)
    assert run.returncode != 0 and why in run.stdout + run.stderr
    assert names(spool) == []
    if "caller" in who:
        assert said == [f"Refused: {who['caller']} at 127.0.0.1 is not in --from."]


def test_an_address_that_is_not_named_gets_no_answer(spool, study, said):
    receiver = Receiver("LSS", Senders([Peer("PACS", "127.0.0.9")]), spool, 2**20, said.append)
    with receiver.listen(HERE, 0, None) as port:
        run = send(port, files(study)[0])
    assert run.returncode != 0
    assert names(spool) == []
    assert said == ["Refused: a call from 127.0.0.1, an address not named by --from."]


def test_what_is_no_mr_image_is_refused(port, spool, study):
    path = files(study)[0]
    ds = pydicom.dcmread(path)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ds.save_as(path)
    run = send(port, path)
    assert "No Acceptable Presentation Contexts" in run.stdout + run.stderr
    assert names(spool) == []


def scu(port):
    entity = AE(ae_title="PACS")
    entity.add_requested_context(MRImageStorage, ImplicitVRLittleEndian)
    assoc = entity.associate(HERE, port, ae_title="LSS")
    assert assoc.is_established
    return assoc


def store_request(ds, instance):
    request = C_STORE()
    request.MessageID, request.Priority = 7, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = MRImageStorage, instance
    request.DataSet = BytesIO(encode(ds, True, True))
    return request


def send_as_it_stands(assoc, ds, instance):
    """Without what pynetdicom would see to; gives the answer."""
    assoc._reactor_checkpoint.clear()
    while not assoc._is_paused:
        time.sleep(0.01)
    context = assoc.accepted_contexts[0]
    assert context.transfer_syntax[0].is_implicit_VR
    assoc.dimse.send_msg(store_request(ds, instance), context.context_id)
    _, answer = assoc.dimse.get_msg(block=True)
    assoc._reactor_checkpoint.set()
    return answer


def lie_about_class(ds):
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"


def lead_out_of_the_spool(ds):
    ds.StudyInstanceUID = "../../elsewhere"


def have_no_series(ds):
    del ds.SeriesInstanceUID


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("spoil", "status"),
    [(lie_about_class, 0x0122), (lead_out_of_the_spool, 0xC000), (have_no_series, 0xC000)],
)
def test_an_object_that_cannot_be_kept_is_refused_with_its_status(
    port, spool, study, tmp_path, spoil, status
):
    assoc = scu(port)
    ds = pydicom.dcmread(files(study)[0])
    instance = ds.SOPInstanceUID
    spoil(ds)
    answer = send_as_it_stands(assoc, ds, instance)
    assoc.release()
    assert answer.Status == status
    assert names(spool) == [] and not (tmp_path / "elsewhere").exists()


def enlarge(path, mebibytes):
    ds = pydicom.dcmread(path)
    ds.Rows = ds.Columns = 1024
    ds.PixelData = bytes(mebibytes * 2**20)
    ds.save_as(path)


def test_an_object_that_is_too_large_is_refused_and_a_much_larger_one_cut_off(
    port, spool, study, said
):
    small, large, huge = files(study)[:3]
    # The limit here is 1 MiB.
    enlarge(large, 1)
    enlarge(huge, 20)
    assert statuses(send(port, large, small, more=["-nh"])) == [
        "Refused: OutOfResources",
        "Success",
    ]
    run = send(port, huge)
    assert run.returncode != 0 and statuses(run) == []
    assert len(names(spool)) == 1
    assert said == [
        "Refused, status A700: the object has more than 1048576 bytes.",
        "Refused: an object of more than 2097152 bytes.",
    ]


def test_where_there_is_no_room_it_says_so_and_goes_on_when_there_is(
    spool, port, study, monkeypatch
):
    first, second, third = files(study)[:3]
    assert statuses(send(port, first)) == ["Success"]
    monkeypatch.setattr(spool, "limit_bytes", 1.5 * first.stat().st_size)
    assert statuses(send(port, second)) == ["Refused: OutOfResources"]
    monkeypatch.undo()
    assert statuses(send(port, second)) == ["Success"]
    usage = shutil._ntuple_diskusage(0, 0, RESERVE_BYTES)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert statuses(send(port, third)) == ["Refused: OutOfResources"]
    assert len(names(spool)) == 2


def test_an_aborted_association_leaves_nothing_half(port, spool, study):
    assoc = scu(port)
    assert assoc.send_c_store(files(study)[0]).Status == 0
    path = files(study)[1]
    ds = pydicom.dcmread(path)
    message = C_STORE_RQ()
    message.primitive_to_message(store_request(ds, ds.SOPInstanceUID))
    # The command and the begin of the data set.
    parts = list(message.encode_msg(assoc.accepted_contexts[0].context_id, 16382))
    for part in parts[:2]:
        assoc.dul.send_pdu(part)
    assoc.abort()
    assert len(names(spool)) == 1
    assert not list((spool.folder / "incoming").iterdir())
    assert statuses(send(port, path)) == ["Success"]


def test_a_file_that_comes_again_changes_nothing_and_another_of_its_name_replaces_it(
    port, spool, study
):
    path = files(study)[0]
    assert statuses(send(port, path)) == ["Success"]
    (before,) = spool.register.studies()
    assert statuses(send(port, path)) == ["Success"]
    (again,) = spool.register.studies()
    assert (again.revision, again.files) == (before.revision, 1)
    ds = pydicom.dcmread(path)
    ds.PixelData = bytes(len(ds.PixelData))
    ds.save_as(path)
    assert statuses(send(port, path)) == ["Success"]
    (changed,) = spool.register.studies()
    assert (changed.revision, changed.files) == (before.revision + 1, 1)
    (stored,) = names(spool)
    assert not any(pydicom.dcmread(spool.folder / stored).PixelData)


def test_a_second_node_on_one_spool_is_told_so(spool):
    from lss_cli.errors import OutputError

    with pytest.raises(OutputError, match="another lss node has this spool"):
        Spool(spool.folder, 2**30)

import shutil
import subprocess

import pydicom
import pytest
from pydicom.uid import MRImageStorage

from lss_cli.node.peers import Peer
from lss_cli.node.register import State
from tests.node.conftest import HERE, files, program, uid_of
from tests.node.orthanc import Orthanc
from tests.output.conftest import items
from tests.tables import read_rows, write_rows

ROOT = "1.2.826.0.1.3680043.8.498.99"


@pytest.fixture
def orthanc(node, tmp_path):
    orthanc = Orthanc(tmp_path / "orthanc", node.options.port).start()
    node.start(archive=Peer("ORTHANC", HERE, orthanc.port), senders=(Peer("ORTHANC", HERE),))
    yield orthanc
    orthanc.stop()


def check_valid(content, tmp_path):
    (tmp_path / "object.dcm").write_bytes(content)
    run = subprocess.run(
        [program("dciodvfy"), tmp_path / "object.dcm"], capture_output=True, text=True, check=False
    )
    assert "Error" not in run.stdout + run.stderr
    return pydicom.dcmread(tmp_path / "object.dcm")


def test_from_orthanc_and_back(orthanc, node, study, tmp_path):
    name = orthanc.upload(files(study))
    images = len(files(study))
    assert orthanc.modalities(name) == {"MR": images}
    assert orthanc.send(name)["FailedInstancesCount"] == 0
    node.wait(study, State.SENT)
    assert orthanc.modalities(name) == {"MR": images, "SR": 1, "OT": 6}
    (report,) = (check_valid(content, tmp_path) for content in orthanc.objects(name, "SR"))
    assert len(list(items(report, "Measurement Group"))) == 10
    for content in orthanc.objects(name, "OT"):
        assert check_valid(content, tmp_path).PatientID == report.PatientID
    # By C-FIND, as a workstation asks.
    find = [program("findscu"), "-S", "-aet", "LSS", "-aec", "ORTHANC", HERE, str(orthanc.port)]
    keys = ["QueryRetrieveLevel=SERIES", f"StudyInstanceUID={uid_of(study)}", "Modality"]
    asked = [word for key in keys for word in ("-k", key)]
    run = subprocess.run([*find, *asked], capture_output=True, text=True, check=False)
    assert run.stderr.count("CS [SR]") + run.stdout.count("CS [SR]") == 1
    # Sent again with what came back, the study changes nothing: the node takes MR images alone.
    orthanc.send(name, permissive=True)
    record = node.record(study)
    assert (record.state, record.files, record.revision) == (State.SENT, images, images)
    assert orthanc.modalities(name) == {"MR": images, "SR": 1, "OT": 6}


def complete_tags(folder, rsna):
    """A copy of the real study with the tags that a hospital's files have."""
    shutil.copytree(rsna / "train_images" / "100206310", folder)
    for path in files(folder):
        ds = pydicom.dcmread(path)
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
        ds.Modality, ds.PatientID, ds.PatientName = "MR", "HOSP-4711", "Doe^Secretive"
        # Those there have no root, and SOPInstanceUIDs repeat across series.
        ds.StudyInstanceUID = f"{ROOT}.{ds.StudyInstanceUID}"
        ds.SeriesInstanceUID = f"{ROOT}.{ds.SeriesInstanceUID}"
        ds.SOPInstanceUID = f"{ds.SeriesInstanceUID}.{ds.InstanceNumber}"
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.save_as(path)
    return folder


@pytest.mark.rsna
def test_a_real_study_from_orthanc_and_back(orthanc, node, rsna, coords, tmp_path, said):
    study = complete_tags(tmp_path / "real", rsna)
    rows = read_rows(rsna / "train_label_coordinates.csv")
    own = [row for row in rows if row["study_id"] == "100206310"]
    write_rows(coords, [row | {"study_id": uid_of(study)} for row in own])
    name = orthanc.upload(files(study))
    assert orthanc.send(name)["FailedInstancesCount"] == 0
    node.wait(study, State.SENT)
    modalities = orthanc.modalities(name)
    assert modalities == {"MR": 96, "SR": 1, "OT": 6}
    for modality in ("SR", "OT"):
        for content in orthanc.objects(name, modality):
            assert check_valid(content, tmp_path).PatientID == "HOSP-4711"
    assert "Secretive" not in " ".join(said) and "4711" not in " ".join(said)

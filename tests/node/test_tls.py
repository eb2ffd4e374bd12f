import subprocess

import pytest

import lss_cli.node.send
from lss_cli.errors import UsageError
from lss_cli.node.peers import Certificates, Peer, Senders
from lss_cli.node.receive import Receiver
from lss_cli.node.register import State
from tests.node.conftest import HERE, OddArchive, files, program, send, statuses, wait_for


def make_certificate(folder, name, signer=None):
    """A key and a certificate for this machine; signed by itself, or by another."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", key, "-out", certificate, "-subj", f"/CN={name}"]
    if signer:
        command += ["-CA", folder / f"{signer}.pem", "-CAkey", folder / f"{signer}.key"]
        command += ["-addext", f"subjectAltName=IP:{HERE}"]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospital")
    make_certificate(folder, "authority")
    make_certificate(folder, "lss", "authority")
    make_certificate(folder, "mr1", "authority")
    make_certificate(folder, "stranger")
    return folder


@pytest.fixture
def secure_port(spool, hospital):
    certificates = Certificates(
        hospital / "lss.pem", hospital / "lss.key", hospital / "authority.pem"
    )
    receiver = Receiver("LSS", Senders([Peer("PACS", HERE)]), spool, 2**20, lambda _: None)
    with receiver.listen(HERE, 0, certificates) as port:
        yield port


def as_whom(hospital, name):
    return ["+tls", hospital / f"{name}.key", hospital / f"{name}.pem", "-ic"]


def test_with_certificates_files_come_by_tls_alone(secure_port, hospital, study):
    path = files(study)[0]
    assert statuses(send(secure_port, path, more=as_whom(hospital, "mr1"))) == ["Success"]
    assert send(secure_port, path).returncode != 0
    # A certificate that nobody known has signed.
    stranger = send(secure_port, path, more=as_whom(hospital, "stranger"))
    assert stranger.returncode != 0 and statuses(stranger) == []
    # And it still listens.
    assert statuses(send(secure_port, path, more=as_whom(hospital, "mr1"))) == ["Success"]


# pynetdicom leaves a socket to be collected where the handshake fails.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_results_go_by_tls_and_only_to_whom_the_certificate_is_of(
    node, archive, study, hospital, monkeypatch
):
    monkeypatch.setattr(lss_cli.node.send, "FIRST_PAUSE_S", 0.2)
    certificates = Certificates(
        hospital / "lss.pem", hospital / "lss.key", hospital / "authority.pem"
    )
    archive.stop()
    impostor = Certificates(
        hospital / "stranger.pem", hospital / "stranger.key", hospital / "authority.pem"
    )
    odd = OddArchive(archive.port, ssl_context=impostor.server_context())
    node.start(certificates=certificates)
    node.send(study, more=as_whom(hospital, "mr1"))
    waiting = wait_for(lambda: (it := node.record(study)) and it.reason and it, seconds=200)
    assert waiting.state is State.SENDING and "cannot be reached" in waiting.reason
    assert odd.taken == []
    odd.entity.shutdown()
    odd = OddArchive(archive.port, ssl_context=certificates.server_context())
    node.wait(study, State.SENT)
    odd.entity.shutdown()
    assert len(odd.taken) == 7


def test_certificates_that_cannot_be_used_are_named(hospital, tmp_path):
    certificates = Certificates(hospital / "lss.pem", tmp_path / "no.key", hospital / "lss.pem")
    with pytest.raises(UsageError, match=r"no\.key"):
        certificates.server_context()

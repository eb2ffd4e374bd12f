"""The server under those who connect and do not say what they want."""

import http.client
import socket
import time

import pytest

from lss_cli.annotate import patience
from lss_cli.annotate.patience import MOST_CONNECTIONS

HALF_A_HEADER = b"GET / HTTP/1.1\r\nHost: 127.0."


@pytest.fixture
def connect(served):
    """Open a connection and send something; all are closed in the end."""
    opened = []

    def start(sent=b""):
        connection = socket.create_connection(("127.0.0.1", served[1]), timeout=5)
        opened.append(connection)
        connection.sendall(sent)
        return connection

    yield start
    for connection in opened:
        connection.close()


def answer(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/")
    status = connection.getresponse().status
    connection.close()
    return status


def is_closed(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_many_half_open_requests_do_not_stop_the_page(connect, served):
    connections = [connect(HALF_A_HEADER) for _ in range(300)]
    assert answer(served[1]) == 403
    # The oldest had to go, before the process runs out of files.
    assert all(map(is_closed, connections[: 300 - MOST_CONNECTIONS]))


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        HALF_A_HEADER,
        b"PUT /marks/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
        # Answered, and then another one begun.
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HT",
    ],
    ids=["nothing", "half a header", "half a body", "half a second request"],
)
def test_a_request_that_does_not_end_is_not_waited_for(connect, monkeypatch, sent):
    monkeypatch.setattr(patience, "REQUEST_S", 0.3)
    connection = connect(sent)
    deadline = time.monotonic() + 5
    while not is_closed(connection):
        assert time.monotonic() < deadline


def test_a_slow_answer_is_waited_for(served, session, monkeypatch):
    link, port = served
    monkeypatch.setattr(patience, "REQUEST_S", 0.2)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/" + link.rpartition("/")[2])
    entry = connection.getresponse()
    cookie, folder = entry.headers["Set-Cookie"].partition(";")[0], entry.read().decode()
    folder = folder.partition("url=")[2].partition('"')[0]
    whole = session.open_page

    def slow():
        time.sleep(0.8)
        return whole()

    monkeypatch.setattr(session, "open_page", slow)
    connection.request("GET", folder + "study", headers={"Cookie": cookie})
    assert connection.getresponse().status == 200
    connection.close()


def test_what_strangers_send_is_not_on_the_terminal(connect, capfd):
    assert connect(b"\x00\x1b[31m\r\n\r\n").recv(100).startswith(b"HTTP/1.1 400")
    connect(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    connect(HALF_A_HEADER).close()
    time.sleep(0.2)
    assert capfd.readouterr() == ("", "")

"""The server as others on the network and other pages of the browser find it."""

import http.client
import json
import socket

import pytest

from lss_cli.annotate.guard import LARGEST_BODY
from lss_cli.annotate.server import page_files

MARKS = json.dumps({"marks": [], "remark": "x"})


@pytest.fixture
def ask(served):
    """Send one request; gives status, headers and body."""
    _, port = served

    def send(method, path, body=None, **headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request(method, path, body, names)
        response = connection.getresponse()
        answer = response.status, response.headers, response.read()
        connection.close()
        return answer

    return send


@pytest.fixture
def link(served):
    """The path of the link."""
    return "/" + served[0].rpartition("/")[2]


@pytest.fixture
def own(ask, link, served):
    """The headers of the page's own requests."""
    _, headers, _ = ask("GET", link)
    return {
        "Cookie": headers["Set-Cookie"].partition(";")[0],
        "Origin": f"http://127.0.0.1:{served[1]}",
    }


def test_the_link_works_once(ask, link, session):
    code, headers, body = ask("GET", link)
    assert (code, b'url=/"' in body) == (200, True)
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=strict" in headers["Set-Cookie"]
    code, headers, body = ask("GET", link)
    assert (code, b"has been used" in body) == (403, True)
    assert "Set-Cookie" not in headers


def test_who_came_in_by_the_link_may_use_it_again(ask, link, own):
    assert ask("GET", link, **own)[0] == 200


def test_without_the_link_nothing_is_told(ask):
    for path in ["/", "/study", "/pixels/0/0", "/main.js", "/none"]:
        assert ask("GET", path)[0] == 403
        assert ask("GET", path, Cookie="lss-1=x; other")[0] == 403
        assert ask("GET", f"{path}?token=wrong")[0] == 403
        assert ask("GET", "/?token=")[0] == 403


def test_a_wrong_token_does_not_use_up_the_link(ask, link):
    assert ask("GET", "/?token=wrong")[0] == 403
    assert ask("GET", link)[0] == 200


def test_the_page_gets_what_it_needs(ask, own, session):
    code, headers, body = ask("GET", "/", **own)
    assert (code, b"<canvas" in body) == (200, True)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    code, headers, body = ask("GET", "/pixels/0/0", **own)
    assert (code, len(body), headers["X-Pixel-Type"]) == (200, 64 * 64 * 2, "uint16")
    assert headers["Cache-Control"] == "no-store"
    assert ask("PUT", "/marks", MARKS, **own)[0] == 204
    assert session.annotations.remark == "x"


def test_another_host_name_is_refused(ask, own, served, link):
    for host in ["evil.example", "127.0.0.1:1", "127.0.0.1", f"evil.example:{served[1]}"]:
        assert ask("GET", "/study", Host=host, **own)[0] == 403
        assert ask("GET", link, Host=host, **own)[0] == 403


def test_a_forwarded_localhost_is_served(ask, own, served):
    name = f"localhost:{served[1]}"
    assert ask("GET", "/study", **own | {"Host": name, "Origin": f"http://{name}"})[0] == 200


def test_another_origin_can_neither_read_nor_drive(ask, own, session):
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", ""]:
        assert ask("GET", "/pixels/0/0", **own | {"Origin": origin})[0] == 403
        assert ask("PUT", "/marks", MARKS, **own | {"Origin": origin})[0] == 403
        assert ask("POST", "/finish", "", **own | {"Origin": origin})[0] == 403
        assert session.annotations.remark == ""
        assert not session.ended.is_set()


def test_requests_of_other_sites_without_an_origin_are_refused(ask, own, session):
    del own["Origin"]
    for site in ("cross-site", "same-site"):
        assert ask("GET", "/pixels/0/0", Sec_Fetch_Site=site, **own)[0] == 403
    assert ask("POST", "/finish", "", **own)[0] == 403
    assert not session.ended.is_set()


def test_no_cross_origin_permission_is_ever_given(ask, own):
    for origin in ("http://evil.example", own["Origin"]):
        _, headers, _ = ask("OPTIONS", "/study", **own | {"Origin": origin})
        assert not [name for name in headers if name.lower().startswith("access-control")]


def test_a_path_outside_the_page_and_the_study_leads_nowhere(ask, own):
    for path in [
        "/../guard.py",
        "/%2e%2e/guard.py",
        "/..%2fguard.py",
        "/%2fetc%2fpasswd",
        "//etc/passwd",
        "/guard.py",
        "/pixels/0/6",
        "/pixels/2/0",
        "/pixels/-1/0",
        "/pixels/0/0/../../../x",
        "/pixels/..%2f..%2fetc/passwd",
        "/evidence/left_subarticular_stenosis/L1/L2",
        "/evidence/../x",
    ]:
        code, _, body = ask("GET", path, **own)
        assert (code, body) == (404, b"Not Found")


def test_only_the_pages_own_files_are_in_it():
    assert {name.rpartition(".")[2] for name in page_files()} == {"css", "html", "js", "svg"}


def test_nothing_on_the_page_leads_to_the_internet():
    for name, (content, _) in page_files().items():
        links = content.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"http" not in links, name
        assert b"//" not in links.replace(b"// ", b""), name


def test_large_bodies_are_refused(ask, own, served):
    large = " " * (LARGEST_BODY + 1)
    assert ask("PUT", "/marks", large, **own)[0] == 413
    # Of undeclared length: in pieces.
    assert ask("PUT", "/marks", iter([b"{", b"}"]), **own)[0] == 413
    assert ask("PUT", "/marks", "{", **own)[0] == 400
    assert ask("PUT", "/marks", "[" * 60_000, **own)[0] == 400


def test_wrong_marks_change_nothing(ask, own, session):
    assert ask("PUT", "/marks", MARKS, **own)[0] == 204
    assert ask("PUT", "/marks", '{"marks": [{"level": "L9"}]}', **own)[0] == 400
    assert session.annotations.remark == "x"


def test_a_damaged_slice_says_so(ask, own, two_series):
    two_series.series[0].slices[0].path.write_bytes(b"")
    code, _, body = ask("GET", "/pixels/0/0", **own)
    assert (code, b"damaged" in body) == (422, True)


def test_it_listens_on_this_machine_only(served):
    others = {one[4][0] for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with pytest.raises(OSError), socket.create_connection((address, served[1]), timeout=1):
            pass

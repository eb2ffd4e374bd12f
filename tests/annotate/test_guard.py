"""The server as others on the network and other pages of the browser find it."""

import http.client
import json
import re
import socket

import pytest

from lss_cli.annotate import guard
from lss_cli.annotate.guard import LARGEST_BODY
from lss_cli.annotate.server import page_files

MARKS = json.dumps({"marks": [], "remark": "x"})


@pytest.fixture
def ask(served):
    """Send one request; gives status, headers and body."""
    _, port = served

    def send(method, path, body=None, **headers):
        if not path.startswith("/?"):
            path = getattr(send, "folder", "") + path
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
    """The headers of the page's own requests; from now on, paths are those in its folder."""
    _, headers, body = ask("GET", link)
    ask.folder = re.search(r"url=(/[\w-]+)/", body.decode())[1]
    return {
        "Cookie": headers["Set-Cookie"].partition(";")[0],
        "Origin": f"http://127.0.0.1:{served[1]}",
    }


def test_the_link_works_once(ask, link, session):
    code, headers, body = ask("GET", link)
    assert (code, b'http-equiv="refresh"' in body) == (200, True)
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=strict" in headers["Set-Cookie"]
    code, headers, body = ask("GET", link)
    assert (code, b"has been used" in body) == (403, True)
    assert "Set-Cookie" not in headers


def test_when_the_browser_is_gone_the_link_works_again(ask, link, own, session, monkeypatch):
    folder = ask.folder
    session.open_page()
    assert ask("GET", "/alive", **own)[0] == 204
    code, headers, _ = ask("GET", link)
    # The page that is refused tries again by itself.
    assert (code, headers["Refresh"]) == (403, "2")
    monkeypatch.setattr(guard, "SILENCE_S", 0.0)
    code, headers, _ = ask("GET", link)
    assert code == 200
    newer = own | {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    assert ask("GET", "/study", **own)[0] == 403
    assert ask("GET", "/?token=wrong")[0] == 403
    code, _, body = ask("GET", "/study", **newer)
    assert (code, ask.folder) == (200, folder)
    # The page that is gone keeps the command from ending no more.
    session.pages.close(json.loads(body)["page"])
    assert session.ended.wait(5)


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
    assert ask("PUT", "/marks/0", MARKS, **own)[0] == 200
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
        assert ask("PUT", "/marks/0", MARKS, **own | {"Origin": origin})[0] == 403
        assert ask("POST", "/finish/0", "", **own | {"Origin": origin})[0] == 403
        assert session.annotations.remark == ""
        assert not session.ended.is_set()


def test_requests_of_other_sites_without_an_origin_are_refused(ask, own, session):
    del own["Origin"]
    for site in ("cross-site", "same-site"):
        assert ask("GET", "/pixels/0/0", Sec_Fetch_Site=site, **own)[0] == 403
    assert ask("POST", "/finish/0", "", **own)[0] == 403
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
        "/evidence/0/left_subarticular_stenosis/L1/L2",
        "/evidence/../x",
    ]:
        code, _, body = ask("GET", path, **own)
        assert (code, body) == (404, b"Not Found")


def test_the_cookie_is_sent_to_no_other_port(ask, link, own, served):
    # Cookies do not tell ports apart, but paths; this one is in no link and no page of others.
    _, headers, _ = ask("GET", link, **own)
    assert re.search(r"Path=(/[\w-]{20,}/)", headers["Set-Cookie"])[1] == ask.folder + "/"
    ask.folder = ""
    assert ask("GET", "/study", **own)[0] == 403
    assert ask("GET", "/guessed/study", **own)[0] == 403


def test_cookies_of_others_keep_nobody_out(ask, own, served):
    fake = f"lss-{served[1]}=fake"
    for others in [fake, '{"odd": 1}', "a[]=(x", "="]:
        for cookies in (f"{own['Cookie']}; {others}", f"{others}; {own['Cookie']}"):
            assert ask("GET", "/study", **own | {"Cookie": cookies})[0] == 200
    assert ask("GET", "/study", **own | {"Cookie": fake})[0] == 403


def test_only_the_pages_own_files_are_in_it():
    kinds = {name.rpartition(".")[2] for name in page_files()}
    assert kinds == {"css", "html", "js", "png", "svg"}


def test_nothing_on_the_page_leads_to_the_internet():
    for name, (content, kind) in page_files().items():
        # A drawing's bytes may be any; it leads nowhere.
        if kind == "image/png":
            continue
        links = content.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"http" not in links, name
        assert b"//" not in links.replace(b"// ", b""), name


def test_large_bodies_are_refused(ask, own, served):
    large = " " * (LARGEST_BODY + 1)
    assert ask("PUT", "/marks/0", large, **own)[0] == 413
    # Of undeclared length: in pieces.
    assert ask("PUT", "/marks/0", iter([b"{", b"}"]), **own)[0] == 413
    assert ask("PUT", "/marks/0", "{", **own)[0] == 400
    assert ask("PUT", "/marks/0", "[" * 60_000, **own)[0] == 400


def test_a_body_of_two_lengths_is_refused(ask, own):
    own |= {"Transfer_Encoding": "chunked", "Content_Length": "2"}
    assert ask("PUT", "/marks/0", b"2\r\n{}\r\n0\r\n\r\n", **own)[0] in {400, 413}


def test_a_long_path_or_number_is_refused(ask, own):
    assert ask("GET", "/pixels/0/" + 5000 * "9", **own)[0] == 413
    assert ask("GET", "/pixels/0/" + 200 * "9", **own)[0] == 404


@pytest.mark.parametrize(
    "document",
    [
        r'{"marks": [], "remark": "\ud800 counted"}',
        r'{"marks": [], "remark": "", "more": NaN}',
        r'{"marks": [{"condition": "left_subarticular_stenosis", "level": "L1/L2", '
        r'"not_visible": true, "more": "\udfff"}]}',
    ],
    ids=["half a character", "no number", "more than is asked for"],
)
def test_what_the_page_says_can_be_said_to_it_again(ask, own, document):
    assert ask("PUT", "/marks/0", document, **own)[0] == 200
    code, _, body = ask("GET", "/study", **own)
    assert (code, b"more" in body) == (200, False)


def test_half_a_character_in_a_name_is_refused(ask, own):
    document = r'{"marks": [{"condition": "\ud800", "level": "L1/L2"}]}'
    assert ask("PUT", "/marks/0", document, **own)[0] == 400


def test_a_page_that_another_has_overtaken_is_told_so(ask, own):
    assert ask("PUT", "/marks/0", MARKS, **own)[2] == b'{"version":1}'
    for method, path in [("PUT", "/marks/0"), ("POST", "/grade/0"), ("POST", "/finish/0")]:
        code, _, body = ask(method, path, MARKS, **own)
        assert (code, b"another tab" in body) == (409, True)


def test_wrong_marks_change_nothing(ask, own, session):
    assert ask("PUT", "/marks/0", MARKS, **own)[0] == 200
    assert ask("PUT", "/marks/1", '{"marks": [{"level": "L9"}]}', **own)[0] == 400
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

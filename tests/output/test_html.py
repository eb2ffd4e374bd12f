from tests.output.conftest import Page, spoil


def test_the_page_holds_everything_and_needs_nothing_else(predict, coords, tmp_path):
    spoil(coords)
    code, *_ = predict("--html", tmp_path / "out.html")
    assert code == 4
    text = (tmp_path / "out.html").read_text()
    page = Page(text)
    assert len(page.images) == 8
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    for word in ("L5/S1", "not graded", "'abc' is not a number", "Not a medical device", "tiny"):
        assert word in page.text

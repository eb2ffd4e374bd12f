import subprocess
import sys

import pytest
from jinja2 import UndefinedError

from lss_cli.render.page import render_page

EMPTY = {"remarks": [], "values": ((), ()), "definitions": []}


def test_every_value_is_text():
    page = render_page(
        "comparison.html",
        heading="<script>alert()</script>",
        remarks=["<b>"],
        values=(("figure", "a & b"), [("<i>", "1\n2")]),
        definitions=[],
    )
    assert "<title>&lt;script&gt;" in page
    assert '<p class="soft">&lt;b&gt;</p>' in page
    assert '<th scope="col">a &amp; b</th>' in page
    assert '<th scope="row">&lt;i&gt;</th><td>1\n2</td>' in page


def test_a_page_that_lacks_a_value_is_not_made():
    with pytest.raises(UndefinedError, match="heading"):
        render_page("comparison.html", **EMPTY)


def test_a_page_loads_nothing_from_elsewhere():
    page = render_page("comparison.html", heading="a", **EMPTY)
    assert "<style>\n:root" in page
    assert not any(sign in page for sign in ("http", "@import", "<link", "url("))


def test_jinja_is_loaded_with_the_first_page():
    program = "import sys, lss_cli.output.html; assert 'jinja2' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)

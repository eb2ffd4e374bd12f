"""The page of a study on paper, on a telephone, and for weak eyes."""

import re
import subprocess
from datetime import date
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from lss_cli.anatomy import Condition, Level
from lss_cli.grading.occlusion import Saliency
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.metadata import ModelCard
from lss_cli.output.html import to_html
from lss_cli.output.picture import draw, png
from lss_cli.points.point import Point
from tests.output.conftest import Page, tool

CARD = ModelCard("tiny", 64 * "b", "Apache-2.0", "2026-01-01", {})
SIDES = Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR
HOSTILE = 'a"; } </style><script>alert(1)</script>'
STYLE = files("lss_cli.render").joinpath("templates/style.css").read_text()


def level_of(condition, level):
    point = Point("5", "1.2.840.99999.1234567890.1234567890", 3, condition, level, 50, 40)
    warnings = ("a warning that is long enough to take several lines of a narrow screen.",)
    return LevelGrade(condition, level, point.series_id, point, (0.35, 0.347, 0.303), "", warnings)


def result_of(study_id):
    levels = tuple(level_of(side, level) for side in SIDES for level in Level)
    return StudyGrade(study_id, (CARD,), levels, remark="six vertebrae", graded_on=date(2026, 3, 4))


@pytest.fixture(scope="module")
def saliency():
    pixels = np.random.default_rng(0).random((160, 160), dtype=np.float32)
    field = (30.0, 20.0, 70.0, 60.0)
    return Saliency(pixels, (1.0, 1.0), (50.0, 40.0), field, pixels[:64, :80], pixels[:64, :80])


@pytest.fixture
def page(tmp_path, saliency):
    result = result_of("123")
    pictures = {
        (lvl.condition, lvl.level): png(draw(saliency, result, lvl)) for lvl in result.levels
    }
    path = tmp_path / "page.html"
    path.write_text(to_html(result, pictures), encoding="utf-8")
    return path


def chromium(*arguments):
    command = [tool("chromium"), "--headless", "--no-sandbox", "--disable-gpu", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_every_heading_and_caption_names_the_side(page):
    text = page.read_text()
    for tag in ("h1", "h2", "h3", "caption", "figcaption"):
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert found and all(
            "left" in words.lower() or "right" in words.lower() for words in found
        ), tag
    assert all("left" in alt or "right" in alt for alt in re.findall('alt="(.*?)"', text.lower()))


def test_each_printed_page_names_study_side_number_and_day(page, tmp_path):
    paper = tmp_path / "page.pdf"
    chromium("--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri())
    text = subprocess.run(
        [tool("pdftotext"), "-layout", paper, "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = text.rstrip("\f").split("\f")
    assert len(pages) > 2
    sides = [re.search(r"Study 123 · (Left|Right) Subarticular", words).group(1) for words in pages]
    assert sides == sorted(sides) and set(sides) == {"Left", "Right"}
    for number, words in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in words
        assert "graded on 2026-03-04" in words
        other = {"Left": "Right", "Right": "Left"}[sides[number - 1]]
        assert f"{other} Subarticular" not in words


def test_a_study_may_have_any_name():
    text = to_html(result_of(HOSTILE), {})
    assert "<script" not in text and text.count("</style>") == 2
    assert HOSTILE in Page(text).text


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_is_no_wider_than_the_screen(page, tmp_path, width):
    probe = tmp_path / "probe.html"
    # Chromium has no window as narrow as a telephone; a frame is.
    probe.write_text(
        f'<iframe src="page.html" width="{width}" height="800" style="border:0"></iframe>'
        "<script>onload = () => { const page = frames[0].document.documentElement;"
        "document.title = page.scrollWidth - page.clientWidth }"
        "</script>"
    )
    shown = chromium("--allow-file-access-from-files", "--dump-dom", probe.as_uri())
    assert re.search(r"<title>(-?\d+)</title>", shown).group(1) == "0"


def contrast(first, second):
    """Of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour):
        digits = colour.lstrip("#")
        digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_grey_text_can_be_read():
    schemes = [dict(re.findall(r"--(\w+): (#\w+)", part)) for part in STYLE.split(":root")[1:]]
    assert len(schemes) == 3
    for scheme in schemes:
        assert contrast(scheme["soft"], scheme["paper"]) >= 4.5
        assert contrast(scheme["ink"], scheme["paper"]) >= 7


def test_a_picture_says_what_it_is_of_and_how_large(saliency):
    """The words are drawn, so what is compared is whether they change the picture."""
    result = result_of("123")
    level = result.levels[0]

    def changed(other_result, other_level):
        sheets = draw(saliency, result, level), draw(saliency, other_result, other_level)
        if sheets[0].size != sheets[1].size:
            return True
        return bool((np.asarray(sheets[0]) != np.asarray(sheets[1])).any())

    assert not changed(result, level)
    assert changed(result_of("124"), level)
    assert changed(result, level_of(SIDES[1], level.level))
    assert changed(result, level_of(SIDES[0], Level.L5_S1))
    assert changed(StudyGrade("123", (CARD,), result.levels, graded_on=result.graded_on), level)
    sheet = draw(saliency, result, level)
    assert isinstance(sheet, Image.Image)
    # 20 of 110 mm that are 420 pixels high: a white bar below the slice.
    rows = (np.asarray(sheet)[:, :300].min(axis=2) == 255).astype(np.uint8)
    runs = [max(map(len, bytes(row).split(b"\0"))) for row in rows]
    assert sum(abs(run - 20 / 110 * 420) <= 2 for run in runs) == 3

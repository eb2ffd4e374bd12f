"""A person at the page: a real browser, the real command, a phantom whose discs are known."""

import csv
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lss_cli.annotate.view import StudyView
from lss_cli.study.study import read_study
from tests.annotate.browsing import centre, come_in, position, settle, shown
from tests.tables import read_rows

LSS = [sys.executable, "-c", "from lss_cli.cli.main import main; main()"]
LEVELS = ["L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]

# From a turn of the wheel to the end of the frame that shows the next slice, for 20 slices.
SCROLL = """async (turn) => {
  const canvas = document.getElementById("axial"), times = [];
  for (let i = 0; i < 20; i++) {
    const from = performance.now();
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: i % 2 ? -100 : 100, cancelable: true }));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - from);
  }
  return times.sort((a, b) => a - b)[10];
}"""


@dataclass
class Command:
    """``lss predict --click`` while it waits."""

    process: subprocess.Popen
    link: str

    def ended(self) -> tuple[int, str, str]:
        """Wait for its end; gives exit code, stdout and stderr."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def study(scanned):
    return next((scanned / "train_images").iterdir())


@pytest.fixture
def clicking(study, tiny_model, tmp_path):
    """Start the command, on a machine without a screen."""

    @contextmanager
    def start(*more, **variables) -> Iterator[Command]:
        screens = ("DISPLAY", "WAYLAND_DISPLAY")
        environment = {key: value for key, value in os.environ.items() if key not in screens}
        with subprocess.Popen(
            [*LSS, "predict", study, "--click", "--model", tiny_model, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | {"XDG_STATE_HOME": str(tmp_path / "state")} | variables,
        ) as process:
            try:
                link = next(
                    re.search(r"http://\S+", one) for one in process.stderr if "http" in one
                )
                yield Command(process, link[0])
            finally:
                process.kill()

    return start


def scroll_to(page, number):
    """Turn the wheel until the slice is there: first up to the head, then down."""
    page.mouse.move(*centre(page, "axial"))
    page.keyboard.press("Home")
    for _ in range(100):
        settle(page)
        if shown(page) == number:
            return
        page.mouse.wheel(0, 100)
    raise AssertionError(f"slice {number} was never shown")


def left_points(scanned):
    rows = read_rows(scanned / "train_label_coordinates.csv")
    return {row["level"]: row for row in rows if row["condition"].startswith("Left Sub")}


def test_points_are_set_corrected_graded_and_kept(
    page, clicking, scanned, study, tiny_model, tmp_path, capsys
):
    truth = left_points(scanned)
    (axial,) = StudyView.of(read_study(study)).axial
    slices = {axial.instance_number(index): one for index, (_, one) in enumerate(axial.slices)}
    saved = tmp_path / "coords.csv"

    def click(level, aside=0):
        row = truth[level]
        number = int(row["instance_number"])
        scroll_to(page, number)
        pixel = (float(row["x"]) + aside, float(row["y"]))
        page.mouse.click(*position(page, "axial", slices[number].geometry, pixel))

    with clicking("--save-coords", saved, "--csv", tmp_path / "clicked.csv") as command:
        come_in(page, command.link)
        first, scrolled = page.evaluate("firstSlice"), page.evaluate(SCROLL)
        with capsys.disabled():
            print(f"\nfirst slice after {first:.0f} ms, each scrolled one {scrolled:.1f} ms")
        assert first < 5000
        assert scrolled < 200

        page.keyboard.press("Home")
        settle(page)
        picture = page.locator("#axial").screenshot
        plain = picture()
        page.mouse.move(*centre(page, "axial"))
        page.mouse.down(button="right")
        page.mouse.move(centre(page, "axial")[0] + 60, centre(page, "axial")[1] - 40, steps=3)
        page.mouse.up(button="right")
        settle(page)
        windowed = picture()
        assert windowed != plain
        page.keyboard.down("Control")
        page.mouse.wheel(0, -300)
        page.keyboard.up("Control")
        page.mouse.down(button="middle")
        page.mouse.move(*centre(page, "axial"), steps=3)
        page.mouse.up(button="middle")
        settle(page)
        assert picture() != windowed
        page.keyboard.press("r")
        settle(page)
        assert picture() == plain

        click("L1/L2")
        # Beside its place, though not so far that the page would lead back to it.
        click("L2/L3", aside=5)
        click("L3/L4")
        # Undone, and set again.
        page.keyboard.press("u")
        click("L3/L4")
        page.keyboard.press("2")
        click("L2/L3")
        click("L4/L5")
        click("L5/S1")
        page.fill("#remark", "counted from the sacrum")
        assert "Left 5/5" in page.locator("#sides").text_content()

        page.click("#grade")
        page.wait_for_selector(".verdict")
        verdicts = page.locator(".likely").all_text_contents()
        page.locator(".show").first.click()
        page.locator("#evidence-picture").evaluate("(image) => image.decode()")
        page.keyboard.press("Escape")
        page.click("#finish")
        page.wait_for_selector("iframe")
        code, out, err = command.ended()
    assert code == 0, err

    # The end shows the result, to be printed and saved, also when the command has ended.
    result = page.frame_locator("iframe")
    assert result.locator("tbody tr").count() >= 5
    assert "counted from the sacrum" in result.locator("body").text_content()
    page.evaluate("frames[0].print = () => (window.printed = true)")
    page.click("#print")
    page.keyboard.press("Control+p")
    assert page.evaluate("window.printed")
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == f"lss {study.name}.html"
    assert "counted from the sacrum" in Path(download.value.path()).read_text()

    kept = {row["level"]: row for row in read_rows(saved)}
    assert list(kept) == LEVELS
    for level, row in truth.items():
        assert kept[level]["instance_number"] == row["instance_number"]
        for axis in ("x", "y"):
            assert float(kept[level][axis]) == pytest.approx(float(row[axis]), abs=1)

    table = tmp_path / "again.csv"
    again = subprocess.run(
        [*LSS, "predict", study, "--coords", saved, "--model", tiny_model, "--csv", table],
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert "Remark: counted from the sacrum" in out
    assert out == again.stdout
    assert (tmp_path / "clicked.csv").read_bytes() == table.read_bytes()
    with table.open(newline="") as file:
        grades = [row["grade"] for row in csv.DictReader(file)]
    assert [one.rpartition(" ")[0] for one in verdicts] == grades


def test_the_browser_comes_in_by_a_file(page, clicking, tmp_path):
    typed = tmp_path / "typed"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$*" > {typed}.new; mv {typed}.new {typed}\n')
    script.chmod(0o700)
    with clicking(DISPLAY=":0", BROWSER=str(script)) as command:
        while not typed.exists():
            time.sleep(0.05)
        address = typed.read_text()
        assert "token" not in address
        come_in(page, address)
        assert page.url.startswith(command.link.partition("?")[0])
        page.close(run_before_unload=True)
        assert command.ended()[0] == 3


def test_two_tabs_do_not_overwrite_each_other(page, clicking):
    with clicking() as command:
        come_in(page, command.link)
        other = page.context.new_page()
        come_in(other, page.url)
        page.keyboard.press("n")
        page.wait_for_load_state("networkidle")
        for key in ("n", "g"):
            other.keyboard.press(key)
            other.wait_for_selector("#status.error")
            assert "Load this page again" in other.locator("#status").text_content()
        other.reload()
        other.wait_for_selector("#axial[data-slice]")
        assert other.locator("#absent-1").get_attribute("aria-pressed") == "true"
        other.close(run_before_unload=True)
        page.wait_for_timeout(3500)
        page.click("#finish")
        page.wait_for_selector(".done")
        code, out, _ = command.ended()
    assert code == 4
    assert "L1/L2 not graded: marked as not visible." in out


def test_with_the_keyboard_alone_and_closing_the_page(page, clicking, tmp_path):
    saved = tmp_path / "coords.csv"
    with clicking("--save-coords", saved) as command:
        come_in(page, command.link)
        for key in ("ArrowDown", "ArrowDown", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter"):
            page.keyboard.press(key)
        page.keyboard.press("n")
        settle(page)
        rows = page.locator("#levels li")
        assert "slice" in rows.nth(0).text_content()
        assert page.locator("#absent-2").get_attribute("aria-pressed") == "true"
        number = shown(page)
        page.keyboard.press("g")
        page.wait_for_selector(".verdict")
        assert "marked as not visible" in rows.nth(1).text_content()
        # What is set outlives the page.
        page.reload()
        page.wait_for_selector("#axial[data-slice]")
        assert "slice" in rows.nth(0).text_content()
        page.close(run_before_unload=True)
        code, out, _ = command.ended()
    assert code == 4
    assert "L2/L3 not graded: marked as not visible." in out
    row, absent = read_rows(saved)
    assert (row["level"], int(row["instance_number"])) == ("L1/L2", number)
    assert (absent["level"], absent["x"]) == ("L2/L3", "")
    assert (float(row["x"]), float(row["y"])) == (78, 80)


def test_a_click_on_a_disc_finds_its_axial_slice_and_others_stay_outside(
    page, clicking, browser, scanned, study
):
    view = StudyView.of(read_study(study))
    axial, (side,) = view.axial[0], view.sagittal
    truth = left_points(scanned)
    middle = side.slices[len(side.slices) // 2][1].geometry.oriented
    with clicking() as command:
        come_in(page, command.link)
        for level in LEVELS:
            row = truth[level]
            index, one = next(
                (index, one)
                for index, (_, one) in enumerate(axial.slices)
                if axial.instance_number(index) == int(row["instance_number"])
            )
            where = one.geometry
            place = where.position + where.row_cosine * float(row["x"]) * where.spacing_mm[0]
            place = place + where.column_cosine * float(row["y"]) * where.spacing_mm[1]
            pixel = [
                (place - middle.position) @ axis / mm
                for axis, mm in zip(
                    (middle.row_cosine, middle.column_cosine), middle.spacing_mm, strict=True
                )
            ]
            page.mouse.click(*position(page, "sagittal", middle, pixel))
            settle(page)
            assert shown(page) == axial.instance_number(index), level

        letters = page.evaluate(
            """async () => {
                const { letters } = await import("./geometry.js");
                return [[1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0.8, -0.6]].map(letters);
            }"""
        )
        assert letters == ["L", "A", "H", "PF"]

        # A point is dragged, whichever level is chosen; undone in one step.
        x, y = centre(page, "axial")
        page.mouse.click(x, y)
        place = page.locator("#level-1 span")
        before = place.text_content()
        assert page.locator("#level-2").get_attribute("aria-pressed") == "true"
        page.mouse.down()
        page.mouse.move(x + 60, y, steps=4)
        page.mouse.up()
        assert place.text_content() not in {before, "open"}
        assert page.locator("#level-2 span").text_content() == "open"
        page.keyboard.press("u")
        assert place.text_content() == before
        page.keyboard.press("u")
        assert place.text_content() == "open"

        stranger = browser.new_context()
        other = stranger.new_page()
        assert other.goto(command.link).status == 403
        assert other.goto(command.link.partition("?")[0] + "study").status == 403
        stranger.close()
        command.process.send_signal(2)
        assert command.ended()[0] == 130


def test_on_a_tablet_both_sides(clicking, browser):
    context = browser.new_context(viewport={"width": 820, "height": 1100}, has_touch=True)
    page = context.new_page()
    with clicking() as command:
        come_in(page, command.link)
        x, y = centre(page, "axial")
        page.touchscreen.tap(x + 20, y)
        page.locator("#sides label").nth(1).click()
        page.touchscreen.tap(x - 20, y)
        settle(page)
        assert "Left 1/5" in page.locator("#sides").text_content()
        assert "Right 1/5" in page.locator("#sides").text_content()
        page.click("#finish")
        page.wait_for_selector(".done")
        code, out, _ = command.ended()
    context.close()
    assert code == 0
    left, right = out.split("Right Subarticular")
    assert "L1/L2" in left
    assert "L1/L2" in right


def test_nothing_that_was_clicked_is_lost(page, clicking, browser, tmp_path):
    saved = tmp_path / "coords.csv"
    with clicking("--save-coords", saved) as command:
        come_in(page, command.link)
        page.mouse.click(*centre(page, "axial"))
        for keys in ("u", "Control+Shift+Z", "Control+z", "Control+y"):
            page.keyboard.press(keys)
        page.keyboard.press("3")
        page.keyboard.press("n")
        rows = page.locator("#levels li")
        assert "slice" in rows.nth(0).text_content()
        page.wait_for_load_state("networkidle")
        # The browser dies without a word. The link leads in again, once that has been noticed.
        context = browser.new_context()
        again = context.new_page()
        page.context.set_offline(True)
        assert again.goto(command.link).status == 403
        again.wait_for_selector("#axial[data-slice]", timeout=20_000)
        assert "slice" in again.locator("#levels li").nth(0).text_content()
        command.process.send_signal(2)
        assert command.ended()[0] == 130
        context.close()
    row, absent = read_rows(saved)
    assert (row["level"], absent["level"]) == ("L1/L2", "L3/L4")
    (draft,) = (tmp_path / "state" / "lss" / "clicks").iterdir()
    assert draft.stat().st_mode & 0o777 == 0o600

    # The next command offers it, on the page as well.
    context = browser.new_context()
    again = context.new_page()
    with clicking() as command:
        come_in(again, command.link)
        assert "2 marks" in again.locator("#offer-words").text_content()
        again.click("#offer-take")
        assert "slice" in again.locator("#levels li").nth(0).text_content()
        assert again.locator("#absent-3").get_attribute("aria-pressed") == "true"
        again.click("#finish")
        again.wait_for_selector(".done")
        code, out, _ = command.ended()
    context.close()
    assert code == 4
    assert "L1/L2" in out
    assert not draft.exists()


def test_the_page_says_where_to_click(page, clicking):
    with clicking() as command:
        come_in(page, command.link)
        figure = page.locator("#where")
        assert "medial to the pedicle" in figure.text_content()
        for side in ("left", "right"):
            page.locator("#where-picture").evaluate("(image) => image.decode()")
            alt = page.locator("#where-picture").get_attribute("alt")
            assert f"{side} lateral recess" in alt
            page.keyboard.press("s")
        page.mouse.click(*centre(page, "axial"))
        # Whoever has set a point knows; whoever asks is told.
        assert figure.is_hidden()
        page.keyboard.press("w")
        assert figure.is_visible()
        # A click on it sets no point under it.
        page.click("#where")
        assert figure.is_hidden()
        assert "Left 1/5" in page.locator("#sides").text_content()
        page.close()


def test_the_other_side_leads_and_exchanged_sides_are_said_at_once(page, clicking, scanned, study):
    page.set_viewport_size({"width": 1024, "height": 768})
    view = StudyView.of(read_study(study))
    (axial,) = view.axial
    slices = {
        axial.instance_number(index): slice_ for index, (_, slice_) in enumerate(axial.slices)
    }
    truth = left_points(scanned)

    def click(row, across_mm=0.0):
        geometry = slices[int(row["instance_number"])].geometry
        pixel = float(row["x"]) + across_mm / geometry.spacing_mm[0], float(row["y"])
        page.mouse.click(*position(page, "axial", geometry, pixel))
        settle(page)

    with clicking() as command:
        come_in(page, command.link)
        for level in LEVELS[:2]:
            scroll_to(page, int(truth[level]["instance_number"]))
            click(truth[level])
        page.keyboard.press("s")
        # The list and J lead to the slice of the left point.
        for act in (lambda: page.keyboard.press("j"), lambda: page.click("#level-1")):
            page.keyboard.press("End")
            settle(page)
            act()
            settle(page)
            assert shown(page) == int(truth["L1/L2"]["instance_number"])
        # Its mirror image is a proposal, until Enter.
        place = page.locator("#level-1 span")
        page.keyboard.press("m")
        settle(page)
        assert place.text_content() == "open"
        page.keyboard.press("Enter")
        x = float(re.search(r"(\d+), \d+", place.text_content())[1])
        spacing = slices[int(truth["L1/L2"]["instance_number"])].geometry.spacing_mm[0]
        assert (float(truth["L1/L2"]["x"]) - x) * spacing == pytest.approx(15.5, abs=1)
        # On the wrong side: said at once, in the words of the result, and the level stays chosen.
        page.keyboard.press("2")
        scroll_to(page, int(truth["L2/L3"]["instance_number"]))
        click(truth["L2/L3"], across_mm=7)
        page.wait_for_selector("#status.error")
        assert "left and right of L2/L3 are exchanged" in page.locator("#status").text_content()
        assert "L2/L3 are exchanged" in page.locator("li .fault").text_content()
        assert page.locator("#level-2").get_attribute("aria-pressed") == "true"
        page.keyboard.press("u")
        page.wait_for_selector(".fault", state="detached")
        page.keyboard.press("5")
        page.keyboard.press("n")
        page.keyboard.press("g")
        page.wait_for_selector(".verdict")
        settle(page)
        inside = page.locator("#levels").bounding_box()
        for number in (1, 5):
            row = page.locator("#levels li").nth(number - 1).bounding_box()
            assert row["y"] >= inside["y"] - 1
            assert row["y"] + row["height"] <= inside["y"] + inside["height"] + 1
        page.close()


def test_windows_a_length_and_the_cursor_in_the_other_picture(page, clicking, study):
    (axial,) = StudyView.of(read_study(study)).axial
    geometry = axial.slices[0][1].geometry
    with clicking() as command:
        come_in(page, command.link)
        words = page.locator("#status")
        picture = page.locator("#axial").screenshot
        page.mouse.move(5, 5)
        plain = picture()
        seen = set()
        for _ in range(3):
            page.keyboard.press("p")
            settle(page)
            seen.add(picture())
            assert "Window: " in words.text_content()
        # Round and back again.
        assert len(seen) == 3
        assert plain in seen

        side = page.locator("#sagittal").screenshot
        before = side()
        page.mouse.move(*centre(page, "axial"))
        settle(page)
        assert side() != before

        page.keyboard.press("l")
        ends = [position(page, "axial", geometry, pixel) for pixel in ((60, 70), (90, 70))]
        page.mouse.move(*ends[0])
        page.mouse.down()
        page.mouse.move(*ends[1], steps=4)
        page.mouse.up()
        length = page.locator("#axial").get_attribute("data-length")
        assert float(length) == pytest.approx(30 * geometry.spacing_mm[0], abs=0.5)
        # It sets no point.
        assert "Left 0/5" in page.locator("#sides").text_content()
        page.keyboard.press("l")
        page.mouse.click(*centre(page, "axial"))
        assert "Left 1/5" in page.locator("#sides").text_content()
        page.close()

"""Makes the picture of the page of `predict --click`: python docs/scripts/make_click_image.py.

Needs Debian's chromium.
"""

import csv
import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from lss_cli.anatomy import Condition
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.browser import serve_page
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.grading.grade import grade_study
from lss_cli.grading.result import StudyGrade
from lss_cli.model.find import find_models
from lss_cli.model.models import Models
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.study.study import read_study

SEED = 14
OUT = Path(__file__).parents[1] / "images" / "click.png"


def main() -> None:
    """Set the points of a phantom, grade it, and take a picture."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "demo"
        write_phantoms(data, 1, SEED)
        study = read_study(next((data / "train_images").iterdir()))
        models = Models.load(find_models("default"))

        def grade(annotations: Annotations) -> StudyGrade:
            return grade_study(study, annotations.points, [], models)

        sides = [Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR]
        session = AnnotationSession(StudyView.of(study), sides, grade, lambda _: b"")
        with (data / "train_label_coordinates.csv").open(newline="") as file:
            marks = [mark(row, session.view) for row in csv.DictReader(file)][5:10]
            session.annotate({"marks": marks}, 0)
        with serve_page(session) as (link, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(link)
            page.wait_for_selector("#axial[data-slice]")
            page.locator(".level").nth(3).click()
            page.locator("#axial").focus()
            page.keyboard.press("g")
            page.wait_for_selector(".verdict")
            page.wait_for_load_state("networkidle")
            picture = Image.open(io.BytesIO(page.screenshot()))
            browser.close()
    picture.convert("RGB").save(OUT, optimize=True)


def mark(row: dict[str, str], view: StudyView) -> dict[str, object]:
    """A row of the phantom's points as the page has it; phantoms are stored as they are shown."""
    axial = view.axial[0]
    numbers = [axial.instance_number(index) for index in range(len(axial.slices))]
    number = int(row["instance_number"])
    return {
        "condition": Condition.parse(row["condition"]),
        "level": row["level"],
        "series": 0,
        "slice": numbers.index(number) if number in numbers else 0,
        "x": float(row["x"]),
        "y": float(row["y"]),
    }


if __name__ == "__main__":
    main()

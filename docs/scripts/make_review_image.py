"""Makes the picture of the queue of `lss review`: python docs/scripts/make_review_image.py.

Needs Debian's chromium. The proposals are the phantoms' own points, a little aside.
"""

import io
import tempfile
from dataclasses import replace
from pathlib import Path

from make_click_image import SEED
from PIL import Image
from playwright.sync_api import sync_playwright

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.browser import serve_app
from lss_cli.batch.plan import plan_jobs
from lss_cli.batch.pool import JobAnswer
from lss_cli.locate.proposal import ProposedPoint
from lss_cli.model.find import find_models
from lss_cli.model.models import Models
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.points.point import Point
from lss_cli.points.table import read_points
from lss_cli.review.queue import ReviewQueue
from lss_cli.review.record import ReviewRecord
from lss_cli.review.review import StudyOpener
from lss_cli.review.server import make_review_app
from lss_cli.study.study import Study

OUT = Path(__file__).parents[1] / "images" / "review.png"
SIDES = (Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR)
DOUBTFUL = (Condition.RIGHT_SUBARTICULAR, Level.L5_S1)


class LabelProposer:
    """Proposes the points of a table."""

    def __init__(self, points: list[Point]) -> None:
        self.points = points

    def propose(self, study: Study) -> tuple[list[ProposedPoint], str]:
        """As `lss_cli.annotate.actions.Proposer`."""
        own = [point for point in self.points if point.study_id == study.id]
        return [
            ProposedPoint(
                replace(point, x=point.x + 1.5),
                (0.0, 0.0, 0.0),
                0.78 if (point.condition, point.level) == DOUBTFUL else 0.97,
                sure=(point.condition, point.level) != DOUBTFUL,
                doubts=("the right recess is 78% sure.",)
                * ((point.condition, point.level) == DOUBTFUL),
            )
            for point in own
            if point.condition in SIDES
        ], ""


def main() -> None:
    """Review phantoms, the first of them confirmed, and take a picture."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "demo"
        write_phantoms(data, 5, SEED, matrix=224, slices=3)
        folders = sorted((data / "train_images").iterdir())
        for file in folders[1].rglob("*.dcm"):
            file.write_bytes(b"")
        points, _ = read_points(data / "train_label_coordinates.csv")
        models = Models.load(find_models("default"))
        opener = StudyOpener(models, SIDES, LabelProposer(points))  # type: ignore[arg-type]
        record = ReviewRecord.open(Path(folder, "report.csv.review"))
        jobs = plan_jobs(folders, [], [], SIDES)
        queue = ReviewQueue(jobs, record, Path(folder, "coords.csv"), opener.open, lambda _: None)
        for index in range(len(folders)):
            queue.show(index)
        session = queue.open(0)
        marks = [mark | {"source": "confirmed"} for mark in session.annotations.document["marks"]]
        queue.confirm(0, session.annotate({"marks": marks}, 0))
        queue.take(0, JobAnswer(queue.to_job(0), []))
        queue.current = 2
        app = make_review_app(queue, "report.csv")
        with serve_app(app, queue.pages.lose) as (link, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 800})
            page.goto(link)
            page.wait_for_selector("body[data-shown='2']")
            page.wait_for_load_state("networkidle")
            picture = Image.open(io.BytesIO(page.screenshot()))
            browser.close()
        queue.close()
        record.close()
    picture.convert("RGB").save(OUT, optimize=True)


if __name__ == "__main__":
    main()

"""How the page of `lss review` fares with many studies: a synthetic queue, in Chromium.

    python -m tests.benchmarks.review --studies 10000

Meanwhile studies are read ahead, ten a second, as real ones are.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import sync_playwright

from lss_cli.anatomy import Condition
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.browser import serve_app
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.batch.plan import plan_jobs
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.points.table import read_points
from lss_cli.review.queue import OpenStudy, ReviewQueue
from lss_cli.review.record import ReviewRecord
from lss_cli.review.server import make_review_app
from lss_cli.review.workers import ReadAhead
from lss_cli.study.study import read_study

READING_S = 0.1
CONFIRMED = 12
WATCHED_S = 10

# Counts the list's nodes that are made, and the tasks that keep the page from answering (> 50 ms).
WATCH = """() => {
  window.made = 0;
  window.tasks = [];
  new MutationObserver((all) => {
    for (const { addedNodes } of all) window.made += addedNodes.length;
  }).observe(document.querySelector("#queue"), { childList: true, subtree: true });
  new PerformanceObserver((list) => {
    window.tasks.push(...list.getEntries().map((entry) => entry.duration));
  }).observe({ type: "longtask" });
}"""
PRESS = """key => new Promise((done) => {
  const start = performance.now();
  dispatchEvent(new KeyboardEvent("keydown", { key }));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""


def make_queue(folder: Path, count: int, files: ExitStack) -> ReviewQueue:
    """A queue of one phantom under many names, with the points of a table."""
    write_phantoms(folder / "rsna", 1, seed=3, sagittal=False, matrix=192, slices=3)
    study = next((folder / "rsna" / "train_images").iterdir())
    points, _ = read_points([folder / "rsna" / "train_label_coordinates.csv"])
    view = StudyView.of(read_study(study))
    conditions = (Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR)
    (job,) = plan_jobs([study], points, [], conditions)
    jobs = [replace(job, study_id=f"study{index:05d}") for index in range(count)]
    record = ReviewRecord.open(folder / "report.csv.review")
    files.callback(record.close)

    def open_study(job, before, draft):
        time.sleep(READING_S)
        given = before or Annotations.of_table(job.points, job.bad_points)
        session = AnnotationSession(
            view, conditions, lambda _: None, draft=draft, given=given, queued=True
        )
        return OpenStudy(session, ExitStack())

    return ReviewQueue(jobs, record, folder / "coords.csv", open_study, lambda _: None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--picture", type=Path, default=None)
    options = parser.parse_args()
    with ExitStack() as files, sync_playwright() as playwright:
        folder = Path(files.enter_context(tempfile.TemporaryDirectory()))
        queue = make_queue(folder, options.studies, files)
        files.callback(ReadAhead(queue).stop)
        app = make_review_app(queue, "report.csv")
        link, _ = files.enter_context(serve_app(app, queue.pages.lose))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(viewport={"width": 1400, "height": 800}).new_page()
        started = time.monotonic()
        page.goto(link)
        page.wait_for_selector("body[data-shown='0']")
        print(f"the first study stood after {time.monotonic() - started:.2f} s")
        page.evaluate(WATCH)
        times = []
        for index in range(CONFIRMED):
            page.frame_locator("iframe:not(.shown)").locator("#axial[data-slice]").wait_for(
                state="attached"
            )
            page.keyboard.press("Enter")
            page.wait_for_selector(f"body[data-shown='{index + 1}']")
            times.append(float(page.locator("body").get_attribute("data-ms") or "nan"))
        print(
            f"the next one stood after {statistics.median(times):.0f} ms, {max(times):.0f} at most"
        )
        page.wait_for_timeout(WATCHED_S * 1000)
        tasks = page.evaluate("window.tasks")
        print(
            f"{len(tasks)} tasks of more than 50 ms, {max(tasks, default=0):.0f} ms at most, "
            f"{sum(tasks):.0f} in all; {page.evaluate('window.made')} nodes of the list made"
        )
        page.keyboard.press("q")
        moves = [page.evaluate(PRESS, "ArrowDown") for _ in range(20)]
        print(f"a step in the list takes {statistics.median(moves):.0f} ms")
        if options.picture:
            page.screenshot(path=options.picture)
        browser.close()


if __name__ == "__main__":
    main()

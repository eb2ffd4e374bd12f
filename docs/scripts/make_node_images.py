"""Makes docs/images/node-*.png: Orthanc's own page with what came back for a phantom.

    python docs/scripts/make_node_images.py

Wants Debian's orthanc and chromium.
"""

import shutil
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from lss_cli.model.find import find_models
from lss_cli.model.models import Models
from lss_cli.node.peers import Peer
from lss_cli.node.register import State, StudyRegister
from lss_cli.node.service import NodeOptions, run_node
from lss_cli.node.spool import register_path
from lss_cli.phantom.dataset import write_phantoms
from tests.node.conftest import HERE, files, free_port, uid_of, wait_for
from tests.node.orthanc import Orthanc
from tests.tables import read_rows, write_rows

IMAGES = Path(__file__).parents[1] / "images"


def main() -> None:
    """Make them in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        make(Path(name))


def make(folder: Path) -> None:
    """Send a phantom from Orthanc to the node, and photograph what came back."""
    write_phantoms(folder / "rsna", 1, seed=14)
    (study,) = (folder / "rsna" / "train_images").iterdir()
    coords = folder / "rsna" / "train_label_coordinates.csv"
    write_rows(coords, [row | {"study_id": uid_of(study)} for row in read_rows(coords)])
    port = free_port()
    orthanc = Orthanc(folder / "orthanc", port).start()
    options = NodeOptions(
        title="LSS",
        host=HERE,
        port=port,
        archive=Peer("ORTHANC", HERE, orthanc.port),
        senders=(Peer("ORTHANC", HERE),),
        spool=folder / "spool",
        settle_s=2,
        limit_bytes=2**30,
        largest_bytes=2**26,
        coords=(coords,),
    )
    stop = threading.Event()
    models = Models.load(find_models("default"))
    node = threading.Thread(target=run_node, args=(options, models, lambda _: None, stop))
    node.start()
    try:
        time.sleep(1)
        known = orthanc.upload(files(study))
        orthanc.send(known)
        wait_for(lambda: is_sent(options.spool, uid_of(study)), seconds=300)
        photograph(orthanc, known)
    finally:
        stop.set()
        node.join()
        orthanc.stop()


def is_sent(spool: Path, uid: str) -> bool:
    """Whether the node has sent a study's result."""
    register = StudyRegister(register_path(spool), read_only=True)
    record = register.find(uid)
    register.close()
    return bool(record and record.state is State.SENT)


def photograph(orthanc: Orthanc, study: str) -> None:
    """The study's page with all series, and pictures as Orthanc draws them."""
    captures = next(
        series
        for series in orthanc.ask(f"studies/{study}/series")
        if series["MainDicomTags"]["Modality"] == "OT"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1100, "height": 740})
        page.goto(orthanc.link(f"app/explorer.html#study?uuid={study}"))
        page.wait_for_timeout(4000)
        page.screenshot(path=IMAGES / "node-study.png")
        browser.close()
    by_number = {
        orthanc.ask(f"instances/{instance}/simplified-tags")["InstanceNumber"]: instance
        for instance in captures["Instances"]
    }
    for number, name in (("1", "table"), ("5", "level")):
        # Orthanc's own rendering of the file that it has.
        picture = orthanc.ask(f"instances/{by_number[number]}/preview")
        (IMAGES / f"node-{name}.png").write_bytes(picture)


if __name__ == "__main__":
    main()

"""Makes the pictures of the documentation: python docs/scripts/make_images.py."""

import io
import re
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from rich.console import Console

from lss_cli.anatomy import Condition
from lss_cli.grading.grade import grade_study, study_names
from lss_cli.model.find import find_models
from lss_cli.model.models import Models
from lss_cli.output.table import to_table
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.points.table import read_points
from lss_cli.study.geometry import Plane
from lss_cli.study.pixels import read_pixels
from lss_cli.study.study import Study, read_study

IMAGES = Path(__file__).parents[1] / "images"
SEED = 14
SIZE = 360


def main() -> None:
    """Write all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "demo"
        write_phantoms(data, 1, SEED)
        study = read_study(next((data / "train_images").iterdir()))
        coords = data / "train_label_coordinates.csv"
        picture(study, coords).save(IMAGES / "phantom.png", optimize=True)
        table(study, coords)


def table(study: Study, coords: Path) -> None:
    """What ``lss predict`` prints, as it looks on a terminal."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    points, bad = read_points(coords, study_names(study))
    console.print(to_table(grade_study(study, points, bad, Models.load(find_models("default")))))
    svg = console.export_svg(title="lss predict")
    # Rich names fonts on the internet; a reader's own do as well.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (IMAGES / "predict.svg").write_text(svg)


def picture(study: Study, coords: Path) -> Image.Image:
    """The sagittal series, and the axial slices of three levels with the left point."""
    sagittal = next(one for one in study.series if one.plane is Plane.SAGITTAL)
    middle = sagittal.stacks[0].slices[len(sagittal.slices) // 2]
    tiles = [tile(read_pixels(middle))]
    points, _ = read_points(coords, study_names(study))
    for one in points:
        if one.condition is Condition.LEFT_SUBARTICULAR and one.level.ordinal in {1, 2, 4}:
            place = study.locate(one.series_id, one.instance_number)
            tiles.append(tile(place.read_slices(0).pixels[0], (one.x, one.y)))
    sheet = Image.new("L", (SIZE * len(tiles), SIZE))
    for number, one in enumerate(tiles):
        sheet.paste(one, (number * SIZE, 0))
    return sheet


def tile(pixels: np.ndarray, point: tuple[float, float] | None = None) -> Image.Image:
    """One slice as a square, with a ring around the point."""
    bright = np.clip(pixels / np.percentile(pixels, 99.3), 0, 1) ** 0.8 * 255
    image = Image.fromarray(bright.astype(np.uint8)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    if point:
        x, y = ((value + 0.5) * SIZE / len(pixels) for value in point)
        ImageDraw.Draw(image).ellipse((x - 7, y - 7, x + 7, y + 7), outline=255, width=2)
    return image


if __name__ == "__main__":
    main()

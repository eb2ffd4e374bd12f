"""Makes the drawings that show where to click: python docs/scripts/make_where_images.py."""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lss_cli.anatomy import Condition, Level
from lss_cli.grading.grade import study_names
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.points.point import Point
from lss_cli.points.table import read_points
from lss_cli.study.study import Study, read_study

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "lss_cli" / "annotate" / "page"
DOCS = ROOT / "docs" / "images" / "click-where.png"
SEED = 14
# No stenosis on either side.
LEVEL = Level.L1_L2
SIDES = {"left": Condition.LEFT_SUBARTICULAR, "right": Condition.RIGHT_SUBARTICULAR}

SIZE = 400, 320
WIDTH_MM = 64.0
AMBER, WHITE, BLACK = "#ffbb33", "#ffffff", "#000000"
FONT = ImageFont.load_default(19)


def main() -> None:
    """Write a drawing per side for the page, and both side by side for the documentation."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "demo"
        write_phantoms(data, 1, SEED)
        study = read_study(next((data / "train_images").iterdir()))
        points, _ = read_points(data / "train_label_coordinates.csv", study_names(study))
        at = {point.condition: point for point in points if point.level is LEVEL}
        drawings = {side: draw(study, at, side) for side in SIDES}
    for side, drawing in drawings.items():
        drawing.save(PAGE / f"where-{side}.png", optimize=True)
    sheet = Image.new("RGB", (2 * SIZE[0] + 8, SIZE[1]), WHITE)
    # As on the pictures: the patient's right is on the left.
    sheet.paste(drawings["right"], (0, 0))
    sheet.paste(drawings["left"], (SIZE[0] + 8, 0))
    sheet.save(DOCS, optimize=True)


def draw(study: Study, at: dict[Condition, Point], side: str) -> Image.Image:
    """The field around both recesses, the one of this side ringed."""
    left, right = at[SIDES["left"]], at[SIDES["right"]]
    middle = (left.x + right.x) / 2, (left.y + right.y) / 2
    image, scale = cut(study, left, middle)
    pen = ImageDraw.Draw(image)

    def place(x: float, y: float) -> tuple[float, float]:
        """From pixels of the slice to the drawing."""
        return (
            SIZE[0] / 2 + (x - middle[0]) * scale[0],
            SIZE[1] / 2 + (y - middle[1]) * scale[1],
        )

    def write(words: str, x: float, y: float, colour: str = WHITE) -> None:
        pen.text((x, y), words, colour, FONT, "mm", stroke_width=2, stroke_fill=BLACK)

    point = at[SIDES[side]]
    x, y = place(point.x, point.y)
    for width, colour in ((8, BLACK), (4, AMBER)):
        pen.ellipse((x - 15, y - 15, x + 15, y + 15), outline=colour, width=width)
    sign = 1 if side == "left" else -1
    write("disc", SIZE[0] / 2, 60)
    write("dural sac", SIZE[0] / 2 - sign * 8, y + 12)
    write("facet joint", SIZE[0] / 2 + sign * 118, y + 62)
    write("click here", SIZE[0] / 2 + sign * 126, y - 36, AMBER)
    pen.line((x + sign * 36, y - 24, x + sign * 15, y - 9), AMBER, 3)
    write(f"patient's {side}", SIZE[0] / 2 + sign * 118, SIZE[1] - 16, AMBER)
    return image


def cut(
    study: Study, point: Point, middle: tuple[float, float]
) -> tuple[Image.Image, tuple[float, float]]:
    """The field around a place in a point's slice, and how large its pixels are drawn."""
    located = study.locate(point.series_id, point.instance_number)
    pixels, spacing_mm = located.read_slices(0).pixels[0], located.slice.geometry.spacing_mm
    scale = tuple(SIZE[0] / WIDTH_MM * mm for mm in spacing_mm)
    half = tuple(size / 2 / by for size, by in zip(SIZE, scale, strict=True))
    low, high = np.percentile(pixels, [1, 99.5])
    grey = Image.fromarray(np.clip((pixels - low) / (high - low) * 255, 0, 255).astype("uint8"))
    box = tuple(m + 0.5 + sign * h for sign in (-1, 1) for m, h in zip(middle, half, strict=True))
    # Fewer greys make a smaller file.
    drawn = grey.resize(SIZE, Image.Resampling.BICUBIC, box).point(lambda value: value & 0xF0)
    return drawn.convert("RGB"), scale


if __name__ == "__main__":
    main()

"""What mattered for a grade, as one picture: slice with field, network input, occlusion map."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.files import make_folder, replacing
from lss_cli.grading.marked import MarkedSlice
from lss_cli.grading.occlusion import Saliency
from lss_cli.grading.result import DISCLAIMER, LevelGrade, StudyGrade
from lss_cli.text import printable

HEIGHT = 420
LINE = 20
GAP = 8
FONT = ImageFont.load_default(14)
# Of which the longest that fits is drawn.
SCALES_MM = (5, 10, 20)

# The slice is shown in a square of this many mm around the field's centre, so that the field is
# large enough to be judged.
AROUND_MM = 110.0

# Sky blue of Okabe and Ito's colours, which colour-blind people tell from all others.
ACCENT = (86, 180, 233)

# From transparent over orange to yellow: perceptually ordered, and unlike any tissue.
HOT = np.array([[120, 28, 109], [204, 71, 64], [245, 125, 21], [252, 255, 164]], dtype=float)


def draw(saliency: Saliency, result: StudyGrade, level: LevelGrade) -> Image.Image:
    """Three panels side by side, with all that they must not be parted from.

    Above stand study, side, level and grade, below what a reader should know.
    """
    left, _, right, _ = saliency.field
    field_mm = (right - left) * saliency.spacing_mm[0]
    panels = [
        ("slice, point and field", slice_panel(saliency), AROUND_MM),
        ("what the network sees", _grey(saliency.input, 0, 1), field_mm),
        ("what mattered (occlusion)", heat_panel(saliency), field_mm),
    ]
    scaled = [(text, _to_height(image), mm) for text, image, mm in panels]
    width = sum(image.width for _, image, _ in scaled) + GAP * (len(scaled) - 1)
    head, foot = break_lines(_head(result, level), width), break_lines(_foot(result, level), width)
    top = LINE * len(head) + GAP
    sheet = Image.new("RGB", (width, top + HEIGHT + LINE * (1 + len(foot)) + GAP), "black")
    pen = ImageDraw.Draw(sheet)
    x = 0
    for text, image, mm in scaled:
        sheet.paste(image, (x, top))
        pen.text((x + 2, top + HEIGHT + 3), text, fill="white", font=FONT)
        draw_scale(pen, (x + 10, top + HEIGHT - 12), image.width / mm)
        x += image.width + GAP
    for y, text in enumerate(head):
        pen.text((2, LINE * y + 2), text, fill="white", font=FONT)
    for y, text in enumerate(foot, start=1):
        pen.text((2, top + HEIGHT + LINE * y + 3), text, fill="white", font=FONT)
    return sheet


def _head(result: StudyGrade, level: LevelGrade) -> list[str]:
    shares = zip(Severity, level.probabilities or (), strict=False)
    name = level.condition.rsna_name if level.condition else ""
    return [
        f"Study {printable(result.study_id)} · {name} · {level.level} · {level.explained}",
        " · ".join([*(f"{severity} {share:.1%}" for severity, share in shares), ""])
        + f"graded on {result.graded_on}",
    ]


def _foot(result: StudyGrade, level: LevelGrade) -> list[str]:
    remark = [f"Remark: {result.remark}"] if result.remark else []
    warnings = dict.fromkeys((*result.cautions, *result.warnings_of(level)))
    texts = [*remark, *(f"Warning: {text}" for text in warnings)]
    return [*(printable(text, 1000) for text in texts), DISCLAIMER]


def break_lines(texts: Iterable[str], width: int) -> list[str]:
    """Break texts between words where the sheet ends; words longer than a line are cut there.

    Args:
        texts: Each begins a line.
        width: Of the sheet in pixels.
    """
    lines = []
    for text in texts:
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and FONT.getlength(longer) > width - 4:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def draw_scale(pen: ImageDraw.ImageDraw, at: tuple[float, float], per_mm: float) -> None:
    """A bar of 20 or 10 mm with its length beside it, light on dark."""
    length = max(SCALES_MM, key=lambda mm: (mm * per_mm < HEIGHT / 3, mm))
    (x, y), end = at, at[0] + length * per_mm
    pen.line((x - 1, y, end + 1, y), fill="black", width=7)
    pen.line((x, y, end, y), fill="white", width=3)
    text = f"{length} mm"
    pen.text((end + 6, y - 9), text, fill="white", font=FONT, stroke_width=2, stroke_fill="black")


def slice_panel(marked: MarkedSlice) -> Image.Image:
    """The surroundings of the point, with the field as a frame and the point as a ring."""
    low, high = np.percentile(marked.slice, (1, 99.5))
    image = _grey(marked.slice, float(low), float(high))
    across, down = marked.spacing_mm
    left, top, right, bottom = marked.field
    centre = ((left + right) / 2, (top + bottom) / 2)
    reach = AROUND_MM / 2 / across, AROUND_MM / 2 / down
    corner = centre[0] - reach[0], centre[1] - reach[1]
    scale = HEIGHT / (2 * reach[0]), HEIGHT / (2 * reach[1])
    view = image.transform(
        (HEIGHT, HEIGHT),
        Image.Transform.AFFINE,
        (1 / scale[0], 0, corner[0], 0, 1 / scale[1], corner[1]),
        Image.Resampling.BICUBIC,
    )

    def place(x: float, y: float) -> tuple[float, float]:
        return (x - corner[0]) * scale[0], (y - corner[1]) * scale[1]

    pen = ImageDraw.Draw(view)
    pen.rectangle((*place(left, top), *place(right, bottom)), outline=ACCENT, width=2)
    x, y = place(marked.point[0] + 0.5, marked.point[1] + 0.5)
    pen.ellipse((x - 6, y - 6, x + 6, y + 6), outline=ACCENT, width=2)
    for text, x in (("R", 6), ("L", HEIGHT - 20)):
        pen.text((x, HEIGHT / 2 - 10), text, fill="white", font=ImageFont.load_default(18))
    return view


def heat_panel(saliency: Saliency) -> Image.Image:
    """The network's input under a map of what mattered; nothing is drawn where nothing did."""
    grey = np.asarray(_grey(saliency.input, 0, 1), dtype=float)
    strength = saliency.importance.clip(0) / max(float(saliency.importance.max()), 1e-6)
    stops = np.linspace(0, 1, len(HOT))
    colour = np.stack(
        [np.interp(strength, stops, HOT[:, channel]) for channel in range(3)], axis=-1
    )
    cover = 0.75 * strength[..., None] ** 0.7
    return Image.fromarray((grey * (1 - cover) + colour * cover).astype(np.uint8))


def png(image: Image.Image) -> bytes:
    """Encode; at this level in half the time, and hardly larger than at the usual one."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def write_pictures(folder: Path, pictures: Mapping[tuple[Condition, Level], bytes]) -> list[Path]:
    """Write one PNG per level, named by condition and level.

    Raises:
        OutputError: The folder cannot be created or written to.
    """
    make_folder(folder)
    written = []
    for (condition, level), content in pictures.items():
        path = folder / f"{condition}_{level.key}.png"
        with replacing(path) as temporary:
            temporary.write_bytes(content)
        written.append(path)
    return written


def _grey(pixels: npt.NDArray[np.floating], low: float, high: float) -> Image.Image:
    bright = ((pixels - low) / max(high - low, 1e-6)).clip(0, 1) * 255
    return Image.fromarray(bright.astype(np.uint8)).convert("RGB")


def _to_height(image: Image.Image) -> Image.Image:
    width = round(image.width * HEIGHT / image.height)
    return image.resize((width, HEIGHT), Image.Resampling.BICUBIC)

"""What mattered for a grade, as one picture: slice with field, network input, occlusion map."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lss_cli.anatomy import Condition, Level
from lss_cli.files import make_folder, replacing
from lss_cli.grading.occlusion import Saliency

HEIGHT = 420
CAPTION = 22
GAP = 8

# The slice is shown in a square of this many mm around the field's centre, so that the field is
# large enough to be judged.
AROUND_MM = 110.0

# Sky blue of Okabe and Ito's colours, which colour-blind people tell from all others.
ACCENT = (86, 180, 233)

# From transparent over orange to yellow: perceptually ordered, and unlike any tissue.
HOT = np.array([[120, 28, 109], [204, 71, 64], [245, 125, 21], [252, 255, 164]], dtype=float)


def draw(saliency: Saliency) -> Image.Image:
    """Three panels side by side, with captions."""
    panels = [
        ("slice, point and field", slice_panel(saliency)),
        ("what the network sees", _grey(saliency.input, 0, 1)),
        ("what mattered (occlusion)", heat_panel(saliency)),
    ]
    scaled = [(text, _to_height(image)) for text, image in panels]
    width = sum(image.width for _, image in scaled) + GAP * (len(scaled) - 1)
    sheet = Image.new("RGB", (width, HEIGHT + CAPTION), "black")
    pen = ImageDraw.Draw(sheet)
    left = 0
    for text, image in scaled:
        sheet.paste(image, (left, 0))
        pen.text((left + 2, HEIGHT + 3), text, fill="white", font=ImageFont.load_default(14))
        left += image.width + GAP
    return sheet


def slice_panel(saliency: Saliency) -> Image.Image:
    """The surroundings of the point, with the field as a frame and the point as a ring."""
    low, high = np.percentile(saliency.slice, (1, 99.5))
    image = _grey(saliency.slice, float(low), float(high))
    across, down = saliency.spacing_mm
    left, top, right, bottom = saliency.field
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
    x, y = place(saliency.point[0] + 0.5, saliency.point[1] + 0.5)
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
    """Encode."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write_pictures(
    folder: Path, pictures: Mapping[tuple[Condition, Level], Image.Image]
) -> list[Path]:
    """Write one PNG per level, named by condition and level.

    Raises:
        OutputError: The folder cannot be created or written to.
    """
    make_folder(folder)
    written = []
    for (condition, level), image in pictures.items():
        path = folder / f"{condition}_{level.key}.png"
        with replacing(path) as temporary:
            temporary.write_bytes(png(image))
        written.append(path)
    return written


def _grey(pixels: npt.NDArray[np.floating], low: float, high: float) -> Image.Image:
    bright = ((pixels - low) / max(high - low, 1e-6)).clip(0, 1) * 255
    return Image.fromarray(bright.astype(np.uint8)).convert("RGB")


def _to_height(image: Image.Image) -> Image.Image:
    width = round(image.width * HEIGHT / image.height)
    return image.resize((width, HEIGHT), Image.Resampling.BICUBIC)

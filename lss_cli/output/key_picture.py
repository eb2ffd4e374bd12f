"""One labelled picture per level: its slices with point and field, side by side."""

from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from lss_cli.anatomy import Level, Severity, Side
from lss_cli.grading.marked import MarkedSlice, mark_slice
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.models import Models
from lss_cli.output.picture import (
    AROUND_MM,
    GAP,
    HEIGHT,
    LINE,
    break_lines,
    draw_scale,
    slice_panel,
)
from lss_cli.study.pixels import remember_pixels
from lss_cli.study.study import Study
from lss_cli.text import printable

MARGIN = 12
FONT = ImageFont.load_default(16)
SMALL_FONT = ImageFont.load_default(14)
# Of the lines above each slice.
CAPTION = 3 * LINE + GAP
# As a reader sees them: the patient's right is on the left.
SCREEN_ORDER = (Side.RIGHT, None, Side.LEFT)


def draw_key_pictures(study: Study, result: StudyGrade, models: Models) -> dict[Level, Image.Image]:
    """A picture of each level of which something was graded.

    Raises:
        StudyError: A slice that was graded cannot be read any more.
    """
    # Left and right of a level share slices.
    read = remember_pixels()
    pictures = {}
    for name in Level:
        marked = []
        for level in sorted(_graded(result, name), key=_place_on_screen):
            assert level.point and level.condition
            spec = models.by_condition[level.condition].metadata.input
            located = study.around(level.point, spec.neighbours, read)
            marked.append((level, mark_slice(located, spec)))
        if marked:
            pictures[name] = _draw(name, marked, result)
    return pictures


def _graded(result: StudyGrade, name: Level) -> list[LevelGrade]:
    return [level for level in result.levels if level.level == name and level.probabilities]


def _place_on_screen(level: LevelGrade) -> int:
    return SCREEN_ORDER.index(level.condition.side if level.condition else None)


def _draw(
    name: Level, marked: list[tuple[LevelGrade, MarkedSlice]], result: StudyGrade
) -> Image.Image:
    # One panel would leave its captions no room.
    width = max(len(marked), 2) * (HEIGHT + GAP) - GAP + 2 * MARGIN
    notes = break_lines(_notes(marked, result), width - 2 * MARGIN)
    height = MARGIN + LINE + CAPTION + HEIGHT + GAP + LINE * (len(notes) + 1)
    sheet = Image.new("RGB", (width, height), "black")
    pen = ImageDraw.Draw(sheet)
    title = f"{name} · study {printable(result.study_id)} · graded on {result.graded_on}"
    pen.text((MARGIN, MARGIN), title, fill="white", font=SMALL_FONT)
    top = MARGIN + LINE + CAPTION
    for index, (level, slice_) in enumerate(marked):
        x = MARGIN + index * (HEIGHT + GAP)
        for line, text in enumerate(_caption(level)):
            # Three grades are as long as the slice is wide.
            font = FONT if line == 0 and FONT.getlength(text) <= HEIGHT else SMALL_FONT
            pen.text((x, MARGIN + LINE * (line + 1) + GAP // 2), text, fill="white", font=font)
        sheet.paste(slice_panel(slice_), (x, top))
        draw_scale(pen, (x + 10, top + HEIGHT - 12), HEIGHT / AROUND_MM)
    for index, note in enumerate(notes):
        pen.text((MARGIN, top + HEIGHT + GAP + LINE * index), note, fill="white", font=SMALL_FONT)
    return sheet


def _caption(level: LevelGrade) -> list[str]:
    assert level.condition and level.point
    shares = zip(Severity, level.probabilities or (), strict=True)
    return [
        f"{level.condition.rsna_name}: {level.shown}",
        " · ".join(f"{severity} {share:.1%}" for severity, share in shares),
        f"slice {level.point.instance_number}, point {level.point.source}",
    ]


def _notes(marked: Iterable[tuple[LevelGrade, MarkedSlice]], result: StudyGrade) -> Iterable[str]:
    for level, _ in marked:
        assert level.condition
        if level.explained != level.shown:
            yield f"{level.condition.rsna_name}: {level.explained}"
        for text in level.warnings:
            yield f"* {level.condition.rsna_name}: {printable(text, 300)}"
    yield from (f"Warning: {printable(doubt, 300)}" for doubt in result.cautions)

"""A study's result as one picture: the table that `lss predict` prints, for viewers of images."""

from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont

from lss_cli.anatomy import Severity
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.output.picture import ACCENT, LINE, break_lines
from lss_cli.text import printable

BANNER = "lss · RESEARCH ONLY · NOT A MEDICAL DEVICE · a physician decides"
BANNER_HEIGHT = 30
WIDTH = 1276
MARGIN = 12
ROW = 26
FONT = ImageFont.load_default(16)
HEAD_FONT = ImageFont.load_default(18)
# Where the columns begin.
COLUMNS = {
    "Level": 0,
    "Slice": 90,
    **{str(severity): 190 + 150 * severity.ordinal for severity in Severity},
    "Grade": 660,
    "Points": 1060,
}
GREY = (170, 170, 170)


def draw_banner(picture: Image.Image) -> Image.Image:
    """A picture under the words that it must not be parted from."""
    sheet = Image.new("RGB", (picture.width, picture.height + BANNER_HEIGHT), "black")
    sheet.paste(picture, (0, BANNER_HEIGHT))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, sheet.width, BANNER_HEIGHT - 4), fill=ACCENT)
    pen.text((MARGIN, 4), BANNER, fill="black", font=FONT)
    return sheet


def draw_table(result: StudyGrade) -> Image.Image:
    """All levels with their probabilities, what to know about them, and what graded them."""
    conditions = list(dict.fromkeys(level.condition for level in result.levels))
    notes = break_lines(_notes(result), WIDTH - 2 * MARGIN)
    height = ROW * len(result.levels) + 5 * ROW // 2 * len(conditions) + LINE * (len(notes) + 1)
    sheet = Image.new("RGB", (WIDTH, MARGIN + height), "black")
    pen = ImageDraw.Draw(sheet)
    y = MARGIN
    for condition in conditions:
        name = condition.rsna_name if condition else "Unreadable rows"
        pen.text((MARGIN, y), name, fill="white", font=HEAD_FONT)
        for column, x in COLUMNS.items():
            pen.text((MARGIN + x, y + ROW), column, fill=GREY, font=FONT)
        y += 2 * ROW
        for level in result.levels:
            if level.condition == condition:
                _draw_row(pen, y, level)
                y += ROW
        y += ROW // 2
    for line in notes:
        pen.text((MARGIN, y), line, fill="white", font=ImageFont.load_default(14))
        y += LINE
    return sheet


def _draw_row(pen: ImageDraw.ImageDraw, y: int, level: LevelGrade) -> None:
    point = level.point
    shares = level.probabilities or (None, None, None)
    cells = {
        "Level": printable(level.level, 10),
        "Slice": str(point.instance_number) if point else "–",
        **{
            str(severity): "–" if share is None else f"{share:.1%}"
            for severity, share in zip(Severity, shares, strict=True)
        },
        "Grade": level.shown + ("*" if level.warnings else ""),
        "Points": str(point.source) if point else "–",
    }
    for column, text in cells.items():
        likely = level.grade is not None and column in {str(level.grade), "Grade"}
        pen.text((MARGIN + COLUMNS[column], y), text, fill="white" if likely else GREY, font=FONT)
    if level.grade:
        x = MARGIN + COLUMNS[str(level.grade)]
        pen.line((x, y + ROW - 5, x + 60, y + ROW - 5), fill=ACCENT, width=2)


def _notes(result: StudyGrade) -> Iterator[str]:
    for level in result.levels:
        if level.reason:
            yield f"{level.level} {level.status}: {printable(level.reason, 300)}"
    # One cause stands once, whatever the number of levels that it concerns.
    for text in dict.fromkeys(text for level in result.levels for text in level.warnings):
        yield f"{_names(result.levels, text)} * {printable(text, 300)}"
    yield from (f"Warning: {printable(doubt, 300)}" for doubt in result.cautions)
    yield from (f"Note: {printable(note, 300)}" for note in result.notes)
    if result.remark:
        yield f"Remark: {printable(result.remark, 400)}"
    yield f"Study {printable(result.study_id)}, graded on {result.graded_on}."
    yield from result.credits


def _names(levels: Sequence[LevelGrade], warning: str) -> str:
    """``L4/L5 left, L4/L5 right``."""
    return ", ".join(
        f"{level.level} {level.condition.place}" if level.condition else "?"
        for level in levels
        if warning in level.warnings
    )

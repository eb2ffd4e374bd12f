"""Small sources for tests, written as the files that users have."""

import csv
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from lss_cli.anatomy import Level, Severity

COLUMNS = ["image", "study_id", "series_id", "instance_number", "condition", "level"]
COLUMNS += ["severity", "x", "y", "pixel_spacing_mm"]
LEFT, RIGHT = "Left Subarticular Stenosis", "Right Subarticular Stenosis"


def write_csv(path: Path, rows: list[dict], columns: list[str] | None = None) -> Path:
    names = columns or list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_png(path: Path, severity: Severity, seed: int, size: int = 40) -> None:
    """Noise with a bright square in the middle that shrinks with the severity."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 60, (size, size, 3), dtype=np.uint8)
    half, middle = 9 - 3 * severity.ordinal, size // 2
    pixels[middle - half : middle + half, middle - half : middle + half] += 150
    Image.fromarray(pixels).save(path)


def image_table(folder: Path, studies: int = 20, sides=(LEFT,), name: str = "table.csv") -> Path:
    """A table whose grades can be seen in its images."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, grades = [], list(Severity)
    for study in range(1000, 1000 + studies):
        for level in Level:
            for side in sides:
                number = len(rows)
                severity = grades[(study + level.ordinal) % 3]
                file = f"{study}_{level.ordinal}_{side[0]}.png"
                write_png(folder / file, severity, number)
                rows.append(
                    {
                        "image": file,
                        "study_id": study,
                        "series_id": study * 10,
                        "instance_number": 3 * level.ordinal + 2,
                        "condition": side,
                        "level": level,
                        "severity": severity,
                        "x": 19.5,
                        "y": 19.5,
                        "pixel_spacing_mm": 0.75,
                    }
                )
    return write_csv(folder / name, rows, COLUMNS)


def clones(phantoms: Path, folder: Path, studies: int) -> Path:
    """An RSNA folder with copies of the one phantom under other study ids, with other grades."""
    original = next((phantoms / "train_images").iterdir())
    names = [str(100 + number) for number in range(studies)]
    for name in names:
        shutil.copytree(original, folder / "train_images" / name)
    for table in phantoms.glob("*.csv"):
        with table.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        write_csv(folder / table.name, [row | {"study_id": name} for name in names for row in rows])
    with (folder / "train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    grades = list(Severity)
    for number, row in enumerate(rows):
        for level in Level:
            for side in ("left", "right"):
                grade = grades[(number + level.ordinal) % 3]
                row[f"{side}_subarticular_stenosis_{level.key}"] = str(grade)
    write_csv(folder / "train.csv", rows)
    return folder

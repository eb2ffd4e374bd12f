import shutil
from pathlib import Path

import pytest

from lss_cli.phantom.dataset import write_phantoms
from tests.annotate.conftest import page  # noqa: F401
from tests.tables import read_rows, write_rows

ASIDE = 1.0


@pytest.fixture(scope="session")
def five(tmp_path_factory) -> Path:
    """Five phantoms, and a table of their points a little aside; read only."""
    folder = tmp_path_factory.mktemp("five") / "rsna"
    write_phantoms(folder, 5, seed=3, sagittal=False, matrix=96, slices=3)
    table = folder / "train_label_coordinates.csv"
    rows = [row for row in read_rows(table) if "Subarticular" in row["condition"]]
    for row in rows:
        row["x"] = f"{float(row['x']) + ASIDE:.2f}"
    write_rows(table, rows)
    return folder


@pytest.fixture
def studies(five, tmp_path) -> Path:
    """A copy of the studies; the second is damaged."""
    folder = Path(shutil.copytree(five / "train_images", tmp_path / "studies"))
    damaged = sorted(folder.iterdir())[1]
    for path in damaged.rglob("*.dcm"):
        path.write_bytes(b"no image")
    return folder


@pytest.fixture
def points(five, tmp_path) -> Path:
    """A copy of the table."""
    return Path(shutil.copy(five / "train_label_coordinates.csv", tmp_path / "points.csv"))

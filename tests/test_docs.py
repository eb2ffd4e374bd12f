"""Every command that the documentation shows is run, on small phantoms and with small networks."""

import re
import shlex
import shutil
from functools import partial
from pathlib import Path

import pytest

from lss_cli.dataset.prepare import PrepareOptions, prepare
from lss_cli.phantom import dataset

ROOT = Path(__file__).parent.parent
NAMES = ("study_123", "study_124")
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]

# What makes or changes an installation is run by .ci/run, by these targets.
INSTALLING = {
    "make demo": "make demo",
    "make test": "make test",
    "python3 -m venv .venv": "make demo",
    ".venv/bin/pip install .": "make demo",
    ".venv/bin/lss doctor": "make demo",
    "pip install --constraint constraints.txt .": "make demo",
}

SMALL_NETWORK = ["--filters", "2", "--blocks", "2", "--dense", "4"]
SMALLER = {"train": SMALL_NETWORK, "tune": SMALL_NETWORK}

write_small_phantoms = partial(dataset.write_phantoms, sagittal=False, matrix=160, slices=3)


def commands(page: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> Path:
    """What the pages talk of: a study, its points, an RSNA folder, prepared data."""
    folder = tmp_path_factory.mktemp("examples")
    write_small_phantoms(folder / "phantoms", 12, seed=1)
    prepare(folder / "phantoms", folder / "prepared", PrepareOptions(mirror=True))
    # Two studies, and one table of their points.
    originals = sorted((folder / "phantoms" / "train_images").iterdir())[:2]
    head, *rows = (
        (folder / "phantoms" / "train_label_coordinates.csv").read_text().splitlines(keepends=True)
    )
    table = "".join(
        row.replace(original.name, name)
        for original, name in zip(originals, NAMES, strict=True)
        for row in rows
        if row.startswith(original.name)
    )
    (folder / "coords.csv").write_text(head + table)
    for original, name in zip(originals, NAMES, strict=True):
        shutil.copytree(original, folder / "studies" / name)
    shutil.copytree(originals[0], folder / NAMES[0])
    return folder


@pytest.mark.timeout(1200)  # pages about training train
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_commands_of_a_page_run_in_their_order(page, examples, tmp_path, monkeypatch, lss):
    lines = commands(page)
    shutil.copytree(examples, tmp_path, dirs_exist_ok=True)
    if any(line.startswith("lss phantom phantoms ") for line in lines):
        shutil.rmtree(tmp_path / "phantoms")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dataset, "write_phantoms", write_small_phantoms)
    for line in lines:
        if line in INSTALLING:
            assert INSTALLING[line] in (ROOT / ".ci" / "run").read_text()
            continue
        program, *arguments = shlex.split(line)
        assert program == "lss", line
        code, out, err = lss(*arguments, *SMALLER.get(arguments[0], []))
        assert code == 0, f"{line}\n{out}\n{err}"


@pytest.mark.parametrize("page", ["docs/predict.md", "docs/reference.md"])
def test_the_example_program_of_a_page_runs(page, phantoms, tmp_path, monkeypatch, capsys):
    original = next((phantoms / "train_images").iterdir())
    shutil.copytree(original, tmp_path / original.name)
    shutil.copy(phantoms / "train_label_coordinates.csv", tmp_path / "coords.csv")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    exec(code.replace("study_123", original.name), {})
    assert capsys.readouterr().out.startswith("L1/L2 ")


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text()):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"

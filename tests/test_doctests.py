"""Every example in a docstring is run."""

import doctest
import importlib
import shutil
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "lss_cli"
MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.fixture
def examples(study, coords, tmp_path, monkeypatch) -> None:
    """The files that examples speak of: a study in `study_123`, its points in `coords.csv`."""
    shutil.move(study, tmp_path / "study_123")
    coords.write_text(coords.read_text().replace(study.name, "study_123"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_give_what_they_say(module, examples):
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testmod(importlib.import_module(module), optionflags=options)
    assert tried
    assert not failed

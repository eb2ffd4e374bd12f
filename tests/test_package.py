"""What `make package` built is whole."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from lss_cli import __version__

ROOT = Path(__file__).parent.parent
CODE = {
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "lss_cli").rglob("*")
    if path.is_file() and path.suffix in {".py", ".js", ".css", ".html", ".svg", ".j2"}
}
MODELS = {path.name for path in (ROOT / "models").iterdir() if path.suffix in {".onnx", ".md"}}


def built(name: str) -> Path:
    path = ROOT / "dist" / name
    if not path.exists():
        pytest.skip("`make package` builds it")
    return path


def test_the_wheel_holds_all_code_pages_and_models():
    with zipfile.ZipFile(built(f"lss_cli-{__version__}-py3-none-any.whl")) as wheel:
        names = set(wheel.namelist())
    assert names >= CODE
    assert names >= {f"lss_cli/models/{name}" for name in MODELS}
    assert any(name.startswith("lss_cli/annotate/page/") for name in names)
    assert any(name.startswith("lss_cli/render/") for name in names)
    assert not {name for name in names if name.startswith(("tests/", "docs/"))}


def test_a_wheel_can_be_built_from_the_sdist():
    with tarfile.open(built(f"lss_cli-{__version__}.tar.gz")) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names >= CODE | {f"models/{name}" for name in MODELS}
    assert names >= {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile"}

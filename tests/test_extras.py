"""The advised commands, for each way that lss may have come here."""

import importlib.metadata
import json
import sys

import pytest

from lss_cli import extras
from lss_cli.extras import install_extra, install_package


class Installation:
    def __init__(self, url):
        self.url = url

    def read_text(self, name):
        assert name == "direct_url.json"
        return self.url and json.dumps(self.url)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """As if lss had been installed from `url`, into an environment with a `mark` of its tool."""

    def install(url=None, mark=""):
        monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installation(url))
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        monkeypatch.setattr(sys, "executable", "/env/bin/python")
        if mark:
            (tmp_path / mark).touch()

    return install


def test_from_where_it_came(installed, tmp_path):
    pip = "/env/bin/python -m pip install"
    installed()
    assert install_extra("train") == f"{pip} 'lss-cli[train]'"
    folder = tmp_path / "my copy"
    folder.mkdir()
    installed({"url": folder.as_uri(), "dir_info": {"editable": True}})
    assert install_extra("train") == f"{pip} --editable '{folder}[train]'"
    installed({"url": folder.as_uri(), "dir_info": {}})
    assert install_extra("parquet") == f"{pip} '{folder}[parquet]'"
    wheel = tmp_path / "lss_cli-0.2.0-py3-none-any.whl"
    wheel.touch()
    installed({"url": wheel.as_uri(), "archive_info": {}})
    assert install_extra("train") == f"{pip} '{wheel}[train]'"
    url = "https://example.org/lss.git"
    installed({"url": url, "vcs_info": {"vcs": "git", "commit_id": "abc"}})
    assert install_extra("train") == f"{pip} 'lss-cli[train] @ git+{url}@abc'"
    assert install_package("pyjpegls") == f"{pip} pyjpegls"


def test_what_it_came_from_is_gone(installed, monkeypatch):
    lines = ["numpy>=2", "pyarrow>=18; extra == 'parquet'", 'keras>=3; extra == "train"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    installed({"url": "file:///gone/lss_cli.whl", "archive_info": {}})
    assert install_extra("parquet") == "/env/bin/python -m pip install 'pyarrow>=18'"


def test_tools_that_keep_programs_apart(installed, monkeypatch):
    installed(mark="pipx_metadata.json")
    assert install_extra("train") == "pipx install --force 'lss-cli[train]'"
    assert install_package("pyjpegls") == "pipx inject lss-cli pyjpegls"


def test_uv(installed, monkeypatch):
    monkeypatch.setattr(extras, "is_installed", lambda package: package != "pip")
    installed()
    assert install_extra("train") == "uv pip install --python /env/bin/python 'lss-cli[train]'"
    installed(mark="uv-receipt.toml")
    assert install_extra("train") == "uv tool install --force 'lss-cli[train]'"
    assert install_package("pyjpegls") == "uv tool install --force --with pyjpegls lss-cli"


def test_run_from_its_folder(installed, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    installed()
    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    assert " --editable " in install_extra("train")

"""What the tests of the outputs share."""

import json
import os
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.tables import read_rows, write_rows

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "predict.schema.json").read_text())


@pytest.fixture
def predict(lss, study, coords, tiny_model):
    def run(*more, folder=study):
        return lss("predict", folder, "--coords", coords, "--model", tiny_model, *more)

    return run


def spoil(coords):
    rows = read_rows(coords)
    rows[0]["x"], rows[1]["level"] = "abc", "<script>alert(1)</script>"
    write_rows(coords, rows)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images, self.links, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.links += [values[name] for name in ("src", "href") if name in values]
        if tag == "img":
            self.images.append(values["src"])

    def handle_data(self, data):
        self.text += data


def tool(name):
    if shutil.which(name):
        return name
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    return pytest.skip(f"{name} is not installed")


def items(dataset, meaning):
    """All content items below, whose concept has this meaning."""
    for item in dataset.get("ContentSequence", []):
        names = item.get("ConceptNameCodeSequence")
        if names and names[0].CodeMeaning == meaning:
            yield item
        yield from items(item, meaning)

"""A hook of MkDocs: adds the pages that lie beside docs/ to the site, and adjusts links to them."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "models/default.md": "model-card.md",
    "models/canal.md": "model-card-canal.md",
}
LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie beside docs/."""
    for source, name in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=_relinked(text, ROOT / source)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Let the pages in docs/ name those beside it as they do in the repository."""
    return _relinked(markdown, ROOT / "docs" / "page.md")


def _relinked(markdown: str, place: Path) -> str:
    def relinked(match: re.Match[str]) -> str:
        target = (place.parent / match[1]).resolve()
        if not target.is_relative_to(ROOT):
            return match[1]
        name = target.relative_to(ROOT).as_posix()
        return PAGES.get(name, name.removeprefix("docs/"))

    return LINK.sub(relinked, markdown)

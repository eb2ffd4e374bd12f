"""HTML pages that stand alone: one look, one file each, nothing loaded from elsewhere."""

import base64
from functools import cache
from typing import TYPE_CHECKING, Any

from lss_cli import __version__

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(template: str, **values: Any) -> str:
    """Fill one of the ``templates``. Every value is escaped: names in files are not to be trusted.

    Args:
        template: Its file name.
        values: All that it asks for.
    """
    return _environment().get_template(template).render(**values)


def data_uri(kind: str, content: bytes) -> str:
    """A picture as an address that holds it.

    >>> data_uri("svg+xml", b"<svg/>")
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def css_string(text: object) -> str:
    r"""A text as CSS writes it; whatever could end the string or the style is written out.

    >>> print(css_string('a "b"</style>'))
    "a \22 b\22 \3c \2f style\3e "
    """
    kept = " -._:,()"
    body = "".join(
        char if (char.isalnum() and char.isascii()) or char in kept else f"\\{ord(char):x} "
        for char in str(text)
    )
    return f'"{body}"'


@cache
def _environment() -> "Environment":
    # Loaded with the first page, to keep start-up short.
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("lss_cli.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["css_string"] = lambda text: Markup(css_string(text))
    environment.globals["program"] = f"lss {__version__}"
    return environment

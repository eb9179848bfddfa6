"""Reports, each as one self-contained HTML file.

``run`` is the report of a training run, ``wearer`` that of a recording, ``study`` that of all people of a study.
``figures`` draws their pictures. ``wearer.quality`` is also the content of ``quality.json``.
"""

import base64
import hashlib
from collections.abc import Iterable

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

__all__ = ["page_template", "script_hashes"]


def page_template(report: str) -> Template:
    """The template of a report, ``run``, ``wearer`` or ``study``, which may include those of ``assets``. Values are
    escaped, and an unknown variable is an error."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("harken.reports", folder) for folder in (report, "assets")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def script_hashes(scripts: Iterable[str]) -> str:
    """The hashes for a page's Content-Security-Policy that let a browser run only these scripts."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

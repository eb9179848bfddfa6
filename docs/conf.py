"""Sphinx: Markdown pages and the reference from docstrings, built without a network.

python -m sphinx -W --keep-going docs docs/_build
"""

import inspect
import re
from dataclasses import is_dataclass
from typing import Annotated, Any, get_origin

from sphinx.application import Sphinx

import harken

project = "harken"
project_copyright = "The harken developers"
version = release = harken.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3
smartquotes = False  # an option keeps its two hyphens

# What a base class of another library says stays in that library.
autodoc_default_options = {"member-order": "bysource"}
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autosummary_generate = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False

html_theme = "furo"
html_title = f"harken {version}"


ARRAY = re.compile(r"~?numpy\.ndarray\[tuple\[~?typing\.Any, \.\.\.\], ~?numpy\.dtype\[~?numpy\.(\w+)\]\]")


def _readable(
    _app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Write arrays as the code does, and defaults that are made afresh as ``...``, in a signature."""
    plain = [text and ARRAY.sub(r"NDArray[\1]", text).replace("<factory>", "...") for text in (signature, returns)]
    return plain[0], plain[1]


def _undeclared(_app: Sphinx, thing: Any, _bound: bool) -> None:
    """Show the fields of a settings class by their types, without the options that they declare."""
    if isinstance(thing, type) and is_dataclass(thing):
        signature = inspect.signature(thing)
        bare = [
            parameter.replace(annotation=getattr(parameter.annotation, "__origin__", parameter.annotation))
            if get_origin(parameter.annotation) is Annotated
            else parameter
            for parameter in signature.parameters.values()
        ]
        thing.__signature__ = signature.replace(parameters=bare)  # type: ignore[attr-defined]


def _sentences(_app: Sphinx, what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Break an attribute's first line after its colon: else Napoleon takes what stands before it for the type."""
    if what in {"attribute", "data", "property"}:
        lines[:1] = lines[0].replace(": ", ":\n", 1).split("\n")


def _joined(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Keep attributes that share a description together: Sphinx takes ``a, b`` for a ``b`` of type ``a,``."""
    lines[:] = [re.sub(r"^:ivar [^:]+:", lambda field: field[0].replace(", ", "/"), line) for line in lines]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-before-process-signature", _undeclared)
    app.connect("autodoc-process-signature", _readable)
    app.connect("autodoc-process-docstring", _sentences, priority=100)  # before Napoleon's 500
    app.connect("autodoc-process-docstring", _joined, priority=900)

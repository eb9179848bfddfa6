"""Reports, each as one self-contained HTML file.

``run`` is the report of a training run, ``wearer`` that of a recording. ``wearer.quality`` is also the content of
``quality.json``.
"""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

__all__ = ["page_template"]


def page_template(report: str) -> Template:
    """The template of a report, ``run`` or ``wearer``. Values are escaped, and an unknown variable is an error."""
    environment = Environment(
        loader=PackageLoader("harken.reports", report),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")

"""Jinja2, set up once: escaping on, missing names are errors."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


class Renderer:
    """Renders the files under templates/."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, context: Any) -> str:
        """The text of a template; `context` is its one input, a dataclass of admin/contexts.py, as `page`."""
        return self._environment.get_template(template).render(page=context)

"""Sphinx settings. Nothing is fetched while the pages are built: no intersphinx, no remote images, no remote script.

Tables that describe the package (columns of a record, problem codes, help of the command line) are rendered from the package
itself by the directive ``{from-code}``, so that a page cannot say something else than the code.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

with (ROOT / "pyproject.toml").open("rb") as file:
    _project = tomllib.load(file)["project"]

project = _project["name"]
author = "The skillstats developers"
copyright = author
release = version = _project["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "models/evidence"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_typehints = "none"
nitpicky = False

# Equations are written as text: typesetting in the browser would ask another computer for a script.
html_theme = "pydata_sphinx_theme"
html_title = "skillstats"
html_static_path = ["_static"]
html_show_sourcelink = False
html_css_files = ["style.css"]
html_sidebars = {"**": ["globaltoc.html"]}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "navbar_center": [],
    "secondary_sidebar_items": ["page-toc"],
}

OUTCOME_ORDER = ("reject", "quarantine", "warn")


def _cell(text: object) -> str:
    """Text that may stand in a cell of a Markdown table."""
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;").replace("*", "\\*")


def _rows(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows])


def columns_of(table: str) -> str:
    """Columns of one table of a record, or of the outcomes table."""
    from skillstats.record.schema import schema_table

    frame = schema_table(table)
    rows = [(c.column, c.type, c.unit, "required" if c.required == "R" else "", c.meaning) for c in frame.itertuples()]
    return _rows(("column", "type", "unit", "", "meaning"), [(f"`{r[0]}`", *r[1:]) for r in rows])


def problem_codes(outcome: str) -> str:
    """Codes of one outcome."""
    from skillstats.errors import RULES

    return _rows(("code", "what it says"), [(f"`{code}`", rule.text) for code, rule in RULES.items() if rule.outcome == outcome])


def world_keys(_: str) -> str:
    """Keys of a simulated world."""
    from skillstats.simulate import describe_world

    rows = [(f"`{k.key}`", k.meaning, k.type, f"`{k.default}`".replace(",", ", ") if k.default else "") for k in describe_world()]
    return _rows(("key", "meaning", "type", "default"), rows)


def model_page(name: str) -> str:
    """What `skillstats models NAME` prints."""
    from skillstats.spec import describe, read_spec

    return f"```text\n{describe(read_spec(name)).rstrip()}\n```"


def evidence_of(name: str) -> str:
    """Calibration evidence shipped for a model, with its pictures, that of a second engine too; or the sentence that there is none."""
    import json

    from skillstats.study.calibration import evidence_names
    from skillstats.study.results import markdown

    texts = []
    for found in evidence_names(name):
        path = Path(__file__).parent / "models" / "evidence" / f"{found}.json"
        if path.is_file():
            content = json.loads(path.read_text(encoding="utf-8"))
            alt = (
                f"Empirical minus uniform distribution of ranks of {name}, engine {content['engine']}, with the simultaneous band"
            )
            texts.append(f"{markdown(content)}\n![{alt}](/_static/sbc_{found}.svg)\n")
    return "\n".join(texts) or f"No calibration evidence is shipped for `{name}` in this version."


def study_table(name: str) -> str:
    """A table of a study that is shipped with the documentation; or the sentence that there is none."""
    path = Path(__file__).parent / "models" / "evidence" / f"{name}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else f"The table `{name}` is not shipped in this version."


def command_help(name: str) -> str:
    """What `skillstats NAME --help` prints; the main help without a name."""
    import click

    from skillstats.cli.app import main

    command = main if name == "skillstats" else main.commands[name]
    info = "skillstats" if name == "skillstats" else f"skillstats {name}"
    texts = []
    for own, title in (
        (command, info),
        *((c, f"{info} {n}") for n, c in getattr(command, "commands", {}).items() if name != "skillstats"),
    ):
        with click.Context(own, info_name=title, max_content_width=100, terminal_width=100) as context:
            texts.append(f"```text\n{own.get_help(context)}\n```")
    return "\n\n".join(texts)


class FromCode(SphinxDirective):
    """``{from-code} renderer argument``: Markdown that the package renders about itself."""

    required_arguments = 1
    optional_arguments = 1
    renderers: ClassVar[dict[str, Callable[[str], str]]] = {
        "columns": columns_of,
        "codes": problem_codes,
        "world": world_keys,
        "model": model_page,
        "help": command_help,
        "evidence": evidence_of,
        "study": study_table,
    }

    def run(self) -> list[nodes.Node]:
        """Parse the rendered Markdown in place."""
        argument = self.arguments[1] if len(self.arguments) > 1 else ""
        return self.parse_text_to_nodes(self.renderers[self.arguments[0]](argument))


FIELD = re.compile(r"(\w[\w, ]*) : (.+)")


def list_fields(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:  # noqa: ARG001
    """Show the lines ``name : meaning`` of a container's docstring as a list; continued lines belong to the item before."""
    if what != "class" or any(set(line) == {"-"} for line in lines):
        return
    shown: list[str] = []
    inside = False
    for line in lines:
        text, field = line.strip().replace("*", "\\*"), FIELD.fullmatch(line)
        if field:
            shown += [] if inside else [""]
            text, inside = f"- **{field[1]}**: {field[2]}".replace("`", "``"), True
        elif inside and line.startswith(" "):
            text = f"  {text}".replace("`", "``")
        elif not text:
            inside = False
        elif inside:
            shown, inside = [*shown, ""], False
        shown.append(text)
    lines[:] = shown


def setup(app: object) -> None:
    """Register what is particular to these pages."""
    app.add_directive("from-code", FromCode)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", list_fields, priority=400)  # type: ignore[attr-defined]

"""Sphinx settings. Nothing is fetched while the pages are built: no intersphinx, no remote images."""

from __future__ import annotations

import tomllib
from pathlib import Path

with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
    _project = tomllib.load(file)["project"]

project = _project["name"]
author = "The skillstats developers"
copyright = author
release = version = _project["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_typehints = "none"
nitpicky = False

html_theme = "pydata_sphinx_theme"
html_title = "skillstats"
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": False, "show_prev_next": False}

"""What may stand beside the files of an output folder although its manifest does not list it: pages, and what belongs to a page."""

from __future__ import annotations

from pathlib import Path


def pages_beside(folder: Path) -> set[str]:
    """Names in a folder that are pages of readers, data and tables of such a page, or folders that hold nothing else.

    ``x.html`` is a page; ``x.json`` and ``x-*.parquet`` belong to it where it is there. Links are none of these.
    """
    inner = [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.is_symlink()]
    of_pages = {p.name for p in inner if (names := {q.name for q in p.iterdir()}) and names == _pages_only(p)}
    return _pages_only(folder) | of_pages


def _pages_only(folder: Path) -> set[str]:
    """Pages of one folder and what belongs to them, without looking into folders."""
    files = [p for p in folder.iterdir() if p.is_file() and not p.is_symlink()]
    pages = {p.stem for p in files if p.suffix == ".html"}
    return {p.name for p in files if p.suffix == ".html" or _belongs(p, pages)}


def _belongs(path: Path, pages: set[str]) -> bool:
    if path.suffix == ".json":
        return path.stem in pages
    return path.suffix == ".parquet" and any(path.stem.startswith(f"{page}-") for page in pages)

"""Files that appear complete or not at all: written under a name of their own beside their place, forced to disk, then given their name.

A reader never sees half a file, and what stood there before stays until the new one is whole.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READABLE = 0o644
"""Rights of what others may read."""


@contextmanager
def written_aside(folder: Path, content: bytes, mode: int = READABLE) -> Iterator[Path]:
    """A file with `content`, on disk, under a name nobody looks for; what has not been moved at the end is taken away.

    Parameters
    ----------
    folder : where it will stand; content : the whole of it; mode : its rights

    Raises
    ------
    OSError
        If the folder does not take it.
    """
    handle, name = tempfile.mkstemp(dir=folder, prefix=".aside-", suffix=".tmp")
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(mode)
        yield made
    finally:
        made.unlink(missing_ok=True)


def write_whole(target: Path, content: bytes, mode: int = READABLE) -> None:
    """Write a file, in place of the one that may stand there; parameters and errors as `written_aside`.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_whole(folder / "a.txt", b"whole")
    >>> [p.name for p in folder.iterdir()]
    ['a.txt']
    """
    with written_aside(target.absolute().parent, content, mode) as made:
        made.replace(target)

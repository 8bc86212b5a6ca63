"""The version of the code behind a result: a digest of the sources, the shipped models and the libraries that compute.

Two processes that answer with the same version compute the same numbers; results of different versions are never put into one table. The
pages (`report`) and the command line are left out, because no result of a study depends on them. A work function that lives outside the package
brings the text of its own module.
"""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from skillstats.errors import UsageError

PACKAGE: Final = Path(__file__).parents[2]
APART: Final = ("report", "cli")
LIBRARIES: Final = (
    "arviz",
    "numba",
    "numpy",
    "nutpie",
    "pandas",
    "pyarrow",
    "pymc",
    "pytensor",
    "scikit-learn",
    "scipy",
    "statsmodels",
)


@cache
def code_version(work: str) -> str:
    """Sixteen hexadecimal digits that change with anything a result of `work` (``module:function``) may depend on.

    Raises
    ------
    UsageError
        If `work` does not have that form, or no such module is found.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    for library in LIBRARIES:
        digest.update(f"{library} {_version(library)}\n".encode())
    for path in _sources(work):
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"


def _sources(work: str) -> list[Path]:
    """Files a result can depend on, in an order of their own."""
    models = PACKAGE.parent / "models"
    models = models if (models / "DIGESTS").is_file() else PACKAGE / "_models"
    code = (p for p in PACKAGE.rglob("*.py") if p.relative_to(PACKAGE).parts[0] not in APART)
    own = [p for p in (module_file(work),) if not p.is_relative_to(PACKAGE)]
    return [*sorted(code), *sorted(models.glob("*.toml")), *own]


def module_file(work: str) -> Path:
    """Source file of the module that holds the work function; the module itself is not imported."""
    module, colon, function = work.partition(":")
    if not (colon and function.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise UsageError(f"work={work!r}: write module:function, for example skillstats.study.faults.works:steady")
    try:
        found = find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None or not Path(found.origin).is_file():
        raise UsageError(f"work={work!r}: no module {module!r} in this Python; install it, or put its folder on PYTHONPATH")
    return Path(found.origin)

"""Methods that a container offers and a higher floor carries out.

`Evaluation.plot_forest()` belongs to the evaluation, and pictures belong to the report, which is built on top of it. So the container asks here
for a function by its name, and the public layer of the package, which knows where everything lives, says where that name is found. Nothing is
imported until a method is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

_HOMES: dict[str, str] = {}


def offer(homes: Mapping[str, str]) -> None:
    """Say where functions live: name to the module that holds it, below the package."""
    _HOMES.update(homes)


def call(name: str, *args: Any, **options: Any) -> Any:
    """Call the function that was offered under a name.

    Examples
    --------
    >>> offer({"isqrt": "math"})
    >>> call("isqrt", 17)
    4
    """
    return getattr(import_module(_HOMES[name]), name)(*args, **options)

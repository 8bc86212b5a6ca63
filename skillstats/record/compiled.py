"""Compiling of loops; importing this costs the compiler, so only modules that are themselves loaded late import it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numba


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile a loop for the types it is called with, without the interpreter's lock; cached on disk where a folder can hold it."""
    try:
        return cast("F", numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # no folder can hold the cache
        return cast("F", numba.njit(nogil=True)(function))

"""Linear algebra on one BLAS thread: the same digits on a machine with one core and with many.

A product summed by two threads differs in the last digit, and eigenvectors that belong to nearly equal eigenvalues turn by far more than that, so draws
made from them would depend on the number of cores. The matrices here have some hundred rows: more threads would only wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Run what stands inside on one BLAS thread."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    """The libraries of this process, looked up once: numpy's is loaded when this is."""
    return ThreadpoolController()

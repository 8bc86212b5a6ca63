"""Random numbers of the Gibbs engine: xoshiro256++ and Marsaglia's polar method.

numpy's generator works in compiled code too, but code that uses it cannot be kept on disk. The stream is a plain array, so the same seed
means the same bits in every process.

References: Blackman and Vigna 2021, ACM Transactions on Mathematical Software 47(4); Marsaglia and Bray 1964, SIAM Review 6(3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def inner[F: Callable[..., Any]](function: F) -> F:
    """Compile a loop that only compiled code calls; the caller's cache holds it."""
    return cast("F", numba.njit(nogil=True)(function))


class Stream(NamedTuple):
    """State of one stream: `words` (4,) uint64; `spare` (2,), a normal not yet given out and whether there is one."""

    words: NDArray[np.uint64]
    spare: Floats


def new_stream(seed: np.random.SeedSequence) -> Stream:
    """A stream of its own for every seed sequence."""
    return Stream(np.asarray(seed.generate_state(4, np.uint64), dtype=np.uint64), np.zeros(2))


@inner
def uniform(stream: Stream) -> float:
    """Uniform on [0, 1), 53 bits."""
    w = stream.words
    mixed = w[0] + w[3]
    result = ((mixed << np.uint64(23)) | (mixed >> np.uint64(41))) + w[0]
    shifted = w[1] << np.uint64(17)
    w[2] ^= w[0]
    w[3] ^= w[1]
    w[1] ^= w[2]
    w[0] ^= w[3]
    w[2] ^= shifted
    w[3] = (w[3] << np.uint64(45)) | (w[3] >> np.uint64(19))
    return float(result >> np.uint64(11)) * 1.1102230246251565e-16  # 2^-53


@inner
def standard_normal(stream: Stream) -> float:
    """Normal(0, 1); every second one comes from the pair before."""
    if stream.spare[1] > 0.0:
        stream.spare[1] = 0.0
        return float(stream.spare[0])
    while True:
        x, y = 2.0 * uniform(stream) - 1.0, 2.0 * uniform(stream) - 1.0
        square = x * x + y * y
        if 0.0 < square < 1.0:
            factor = np.sqrt(-2.0 * np.log(square) / square)
            stream.spare[0], stream.spare[1] = y * factor, 1.0
            return float(x * factor)

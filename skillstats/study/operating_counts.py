"""Shares of claims with the error of having simulated a limited number of desks.

A desk's traders, and a desk and its mirror, are not independent, so the unit is the desk: a share is the mean over desks, its standard error
that of the desks' own shares. The 90% equal-tailed interval is Jeffreys', Beta(x + 1/2, n - x + 1/2), with n the number of independent
cases that would have that standard error; where all desks agree, n is the number of desks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

if TYPE_CHECKING:
    from skillstats.study.operating import Judged

BoolArray = NDArray[np.bool_]
SKILL, HARM = 0, 1


def share_of(cases: NDArray[Any]) -> dict[str, Any]:
    """Share of true cases and its Monte-Carlo error.

    Parameters
    ----------
    cases : (desk, case) bool, or float shares of a desk

    Returns
    -------
    share; q05, q95 : 90% interval of it; error : its standard error; desks : desks simulated

    Examples
    --------
    >>> found = share_of(np.array([[True, False], [False, False], [True, True], [False, False]]))
    >>> found["share"], round(found["error"], 3), [round(found[k], 2) for k in ("q05", "q95")]
    (0.375, 0.239, [0.1, 0.75])
    """
    own = np.asarray(cases, dtype=float).reshape(len(cases), -1).mean(axis=1)
    desks, p = len(own), float(own.mean())
    error = float(own.std(ddof=1) / np.sqrt(desks)) if desks > 1 else 0.0
    most = float(np.asarray(cases).size)
    size = min(max(p * (1 - p) / error**2, 1.0), most) if error > 0 else float(desks)
    low, high = beta.ppf([0.05, 0.95], p * size + 0.5, (1 - p) * size + 0.5)
    return {
        "share": p,
        "q05": 0.0 if p == 0 else float(low),
        "q95": 1.0 if p == 1 else float(high),
        "error": error,
        "desks": desks,
    }


def acted_on(claims: BoolArray) -> BoolArray:
    """Whether a trader was acted on by the end of each look if one acts at the first claim, from claims (..., look, trader)."""
    return np.logical_or.accumulate(claims, axis=-2)


def figures_of(
    by_level: Sequence[Sequence[Judged]], levels: Sequence[float], looks: int, years: Sequence[float | None]
) -> dict[str, Any]:
    """Error rates of looking once and of looking every quarter, and the power at every length of the record.

    Parameters
    ----------
    by_level : rulings on desks whose skilled half has the IR of that level; the first level is 0, nobody has skill
    looks : quarters looked at; further places of `Judged.claims` are longer records, with lengths `years`
    """
    claims = [np.stack([j.claims for j in found]) for found in by_level]  # shape: (desk, image, look, kind, trader)
    acted = [np.moveaxis(acted_on(np.moveaxis(c[:, :, :looks], 2, 3)), 3, 2) for c in claims]
    skilled = [np.stack([j.skilled for j in found]) for found in by_level]  # shape: (desk, trader)
    last, several = looks - 1, looks > 1
    return {
        "known": float(np.mean([j.known for j in by_level[0]])),
        "once": _false(claims[0][:, :, last]),
        "every_quarter": _false(acted[0][:, :, last]) if several else None,
        "found": [
            _found(ir, claims[k][:, :, last], acted[k][:, :, last] if several else None, skilled[k])
            for k, ir in enumerate(levels)
            if k
        ],
        "power": [
            {
                "ir": ir,
                "points": [
                    {"years": t, "later": at >= looks} | share_of(_of(claims[k][:, 0, at, SKILL], skilled[k]))
                    for at, t in enumerate(years)
                ],
            }
            for k, ir in enumerate(levels)
            if k
        ],
    }


def _false(claims: BoolArray) -> dict[str, Any]:
    """Shares of desks and of traders without skill with a claim, from (desk, image, kind, trader)."""
    return {
        name: share_of(part)
        for word, kind in (("skill", SKILL), ("harm", HARM))
        for name, part in ((f"desk_{word}", claims[:, :, kind].any(axis=-1)), (f"trader_{word}", claims[:, :, kind]))
    }


def _found(ir: float, once: BoolArray, acted: BoolArray | None, skilled: BoolArray) -> dict[str, Any]:
    """Shares of the skilled half that are claimed, and of the other half; in the mirror the same people do harm."""
    found: dict[str, Any] = {"ir": ir}
    for word, image, kind in (("skill", 0, SKILL), ("harm", 1, HARM)):
        found[word] = share_of(_of(once[:, image, kind], skilled))
        found[f"{word}_every_quarter"] = None if acted is None else share_of(_of(acted[:, image, kind], skilled))
        others = _of(once[:, image, kind], ~skilled)
        found[f"innocent_{word}"] = share_of(others) if others.size else None
    return found


def _of(claims: BoolArray, chosen: BoolArray) -> BoolArray:
    """Claims (desk, trader) on the chosen traders, who are equally many on every desk, (desk, chosen)."""
    return claims[chosen].reshape(len(claims), -1)

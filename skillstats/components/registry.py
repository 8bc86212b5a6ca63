"""Every word of a specification and the function that builds it, and the digest of these sources."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from skillstats.components import cells, day_parts, heavy, luck, priors, propensity, skill, volatility

REGISTRY: Final[Mapping[str, Mapping[str, Callable[..., Any]]]] = {
    "family": {"outcomes": cells.lay_out, "day_parts": day_parts.lay_out_parts, "choices": propensity.lay_out_choices},
    "skill.terms": {
        "trader": skill.trader,
        "regime": skill.regime,
        "trader:regime": skill.trader_regime,
        "action": skill.action,
        "signal_type": skill.signal_type,
        "asset_class": skill.asset_class,
        "model_version": skill.model_version,
        "desk": skill.desk,
        "stratum": propensity.stratum,
        "features": propensity.features,
        "discrimination": propensity.discrimination,
    },
    "skill.population": {
        "normal": skill.normal_population,
        "two_scale": skill.two_scale,
        "spike_slab": skill.spike_slab,
        "student_t4": skill.student_t4,
        "lkj_normal": day_parts.lkj_population,
    },
    "skill.slopes": {"sizing": skill.sizing},
    "skill.drift": {"quarter": skill.quarter},
    "luck.tails": {"normal": cells.log_density_cells, "student_t": heavy.student_t, "logistic": propensity.logistic},
    "luck.shocks": {"session": luck.session, "trader:session": luck.trader_session, "session:exposure": luck.factor},
    "luck.trader_session_scale": luck.SCALES,
    "luck.exposure_level": luck.EXPOSURE_LEVELS,
    "luck.volatility_by": {"trader": volatility.trader, "regime": volatility.regime},
    "prior.distribution": {
        "normal": priors.normal,
        "half_normal": priors.half_normal,
        "zero_sum_normal": priors.zero_sum_normal,
        "gamma": priors.gamma,
        "lkj": priors.lkj,
        "unit_normal": priors.unit_normal,
        "uniform": priors.uniform,
    },
    "prior.unit": priors.UNITS,
}
"""The places and words of `skillstats.spec.vocabulary.WORDS`, each with its builder."""


@cache
def components_digest() -> str:
    """sha256 over the names and sources of this folder: part of the identity of every fit."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()

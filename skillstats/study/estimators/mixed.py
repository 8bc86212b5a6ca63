"""The expert's generic rival: ``y ~ 1 + (1|trader) + (1|trader:regime)`` with bambi's default priors, by our Gibbs engine or by bambi itself.

    y_i = mu + a_j + c_jr + e_i,   a ~ Normal(0, tau_a), c ~ Normal(0, tau_c), tau ~ HalfNormal(2.5 sd(y)),   e ~ Normal(0, sigma)

No effect of session or trader-session and one residual sd: decisions are independent given skill, which is the one thing wrong with it. The
posterior of a trader's mean becomes an annual IR by the trader's own session totals, as for every rival (`sums`), so that only the estimate is
the model's. `mixed_model` costs a fraction of a second; `bambi_model` builds and compiles the same model in PyMC and needs the package bambi.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.evaluation.estimands import targets
from skillstats.evaluation.means import mean_of_rows
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evidence import Evidence
from skillstats.spec import ModelSpec, read_spec
from skillstats.spec.model import Prior, needed_priors
from skillstats.study.designs import Design
from skillstats.study.engines import posterior
from skillstats.study.estimators.protocol import DRAWS, QUARTER, Rules, best_act
from skillstats.study.estimators.sums import Sums, sums_of
from skillstats.study.replicate import RANKED

FloatArray = NDArray[np.float64]
AUTO_SCALE: Final = 2.5
"""Of bambi's default priors: the sds of the intercept and of group effects are this many sds of y."""
BAMBI_DRAWS: Final = 500


def mixed_model(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:
    """The model above by our Gibbs engine."""
    fit = posterior(mixed_spec(evidence), evidence, Design("record", "record"), engine="gibbs", seed=seed)
    draws, own = posterior_draws(fit), targets(evidence)
    means = {
        (t.trader, t.regime): mean_of_rows(draws, evidence, t.trader, t.rows).mean for t in own if len(t.rows)
    }  # targets and sums come in other orders
    return _answer(evidence, means, rules)


def bambi_model(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:
    """The model above by bambi, 2 chains of 500 draws.

    Raises
    ------
    UsageError
        If bambi is not installed.
    """
    if find_spec("bambi") is None:
        raise UsageError(
            "estimator bambi: the package bambi is not installed; pip install bambi, or name mixed_model, the same model"
        )
    import bambi

    many = len(evidence.coords["regime"]) > 1
    frame = pd.DataFrame({"y": evidence.y, "trader": evidence.trader.astype(str), "regime": evidence.regime.astype(str)})
    model = bambi.Model("y ~ 1 + (1|trader) + (1|trader:regime)" if many else "y ~ 1 + (1|trader)", frame)
    found = model.fit(draws=BAMBI_DRAWS, tune=BAMBI_DRAWS, chains=2, cores=1, random_seed=seed, progressbar=False)
    values = found["posterior"].to_dataset() if hasattr(found["posterior"], "to_dataset") else found["posterior"]
    mu = values["Intercept"].to_numpy().reshape(-1)
    trader = values["1|trader"]
    means: dict[tuple[int, int], FloatArray] = {}
    for target in (t for t in targets(evidence) if len(t.rows)):
        mean = mu + trader.sel({trader.dims[-1]: str(target.trader)}).to_numpy().reshape(-1)
        if many:
            cell = values["1|trader:regime"]
            shares = np.bincount(evidence.regime[target.rows], minlength=len(evidence.coords["regime"])) / len(target.rows)
            for r in np.flatnonzero(shares):
                mean = mean + shares[r] * cell.sel({cell.dims[-1]: f"{target.trader}:{r}"}).to_numpy().reshape(-1)
        means[target.trader, target.regime] = mean
    return _answer(evidence, means, rules)


def mixed_spec(evidence: Evidence) -> ModelSpec:
    """The generic mixed model as a specification, bambi's automatic priors scaled by the sd of y (divisor n).

    bambi centres the intercept's prior, Normal(mean of y, 2.5 sd), and gives sigma a half-t; here the intercept is centred at 0 and log sigma
    is Normal(log sd, 1). With hundreds of decisions neither can be seen.
    """
    base, sd = read_spec("crossed_outcomes"), float(evidence.y.std())
    terms = ("trader", "trader:regime") if len(evidence.coords["regime"]) > 1 else ("trader",)
    skill = msgspec.structs.replace(base.skill, terms=terms, slopes=())
    luck = msgspec.structs.replace(base.luck, shocks=(), trader_session_scale=None, volatility_by=())
    group = Prior(distribution="half_normal", unit="decision_ir", sigma=AUTO_SCALE * sd)
    own = {
        "skill_mean": Prior(distribution="normal", unit="decision_ir", mu=0.0, sigma=AUTO_SCALE * sd),
        "skill_sd_trader": group,
        "skill_sd_trader_regime": group,
        "residual_log_sd": Prior(distribution="normal", unit="log_decision_sd", mu=float(np.log(sd)), sigma=1.0),
    }
    return msgspec.structs.replace(base, skill=skill, luck=luck, priors={name: own[name] for name in needed_priors(skill, luck)})


def _answer(evidence: Evidence, means: dict[tuple[int, int], FloatArray], rules: Rules) -> pd.DataFrame:
    """Frames of traders and of cells from posterior draws of their means, {(trader, regime or -1): (draw,)}."""
    trader = {name: j for j, name in enumerate(evidence.coords["trader"])}
    regime = {name: r for r, name in enumerate(evidence.coords["regime"])}
    frames = []
    for at, sums in enumerate(sums_of(evidence)):  # traders first, then cells
        found = [means[trader[t], -1 if at == 0 else regime[r]] for t, r in zip(sums.trader, sums.regime, strict=True)]
        frames.append(_frame(sums, np.array(found), rules))
    return pd.concat(frames, ignore_index=True)


def _frame(s: Sums, mean: FloatArray, rules: Rules) -> pd.DataFrame:
    """Answers from draws of the means, (unit, draw), y units."""
    ir = mean * s.annual_per_y[:, None]
    low, high = np.quantile(mean, (0.05, 0.95), axis=1)
    chosen = np.round(np.linspace(0, mean.shape[1] - 1, RANKED)).astype(int)
    above = np.mean(ir > rules.hurdle, axis=1)
    scale = np.nan if s.year is None else np.sqrt(s.days / (QUARTER * s.days_a_year / s.year))
    values: dict[str, Any] = {
        "estimate": mean.mean(axis=1), "sd": mean.std(axis=1, ddof=1), "low90": low, "high90": high,
        "p_positive": np.mean(ir > 0, axis=1), "p_above_hurdle": above,
        "score": (ir.mean(axis=1) - rules.hurdle) / ir.std(axis=1, ddof=1),
        "luck": s.sd_rows / np.sqrt(s.n) * scale,  # decisions are independent here
        "claim": above >= rules.certainty, "decision": best_act(ir.mean(axis=1), rules.hurdle),
    }  # fmt: skip
    found = s.frame(**values)
    found[DRAWS] = [tuple(row) for row in mean[:, chosen].tolist()]
    return found

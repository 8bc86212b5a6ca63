"""A small evaluation made by hand, with names that try to break a page; nothing here was fitted."""

from __future__ import annotations

from typing import Any

from skillstats.evaluation.result import ESTIMAND_COLUMNS, SKILL_COLUMNS, Evaluation

HOSTILE = (
    "<script>alert(1)</script>",
    "T1 $\\frac{$",
    "NA",
    "null",
    "001",
    '" onmouseover="alert(1)" x=\'',
    "</title></svg><img src=x onerror=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "A\u202eevil\x00\x1b[31m\ud800",
    "The trader whose name is longer than any column ever wanted to be",
)
LONG = "W" * 120


def row(
    trader: str,
    regime: str = "all",
    *,
    ir: float = 0.4,
    width: float = 0.5,
    p: float = 0.6,
    status: str = "REPORT",
    **changes: Any,
) -> dict[str, Any]:
    """One row: a posterior around `ir` with a half-width of `width` at 90%."""
    wide, half = width, 0.41 * width
    parts = {"mean": ir, "q05": ir - wide, "q25": ir - half, "q75": ir + half, "q95": ir + wide}
    made: dict[str, Any] = {"trader": trader, "regime": regime, "n": 1204, "days": 61, "n_eff": 287.4}
    made |= {f"ir_annual_{k}": v for k, v in parts.items()} | {f"ir_decision_{k}": v / 24.2 for k, v in parts.items()}
    made |= {"value_add_mean": 812.3 * ir, "value_add_q05": 812.3 * (ir - wide), "value_add_q95": 812.3 * (ir + wide)}
    made |= {"p_positive": min(0.999, p + 0.05), "p_above_hurdle": p, "lfsr": 0.05, "shrinkage": 0.62, "reliability": 0.38}
    made |= {"raw_mean": 950.0 * ir, "raw_ir": 0.09 * ir, "raw_ir_annual": 2.2 * ir, "status": status, "codes": [], "reasons": ""}
    made |= changes
    made.setdefault("detail", detail(ir, width))
    if status == "WITHHOLD":
        made |= dict.fromkeys((*ESTIMAND_COLUMNS, "detail"))
    made["reasons"] = "; ".join(c["code"] for c in made["codes"])
    return made


def detail(ir: float, width: float) -> dict[str, Any]:
    """The estimands without a column, around the same posterior."""
    band = {"mean": ir, "q05": ir - width, "q25": ir - 0.41 * width, "q75": ir + 0.41 * width, "q95": ir + width}
    share = {"mean": 0.38, "q05": 0.21, "q25": 0.31, "q75": 0.45, "q95": 0.57}
    money = 51_234.5 * ir
    return {
        "ir_day": {k: v / 15.9 for k, v in band.items()},
        "ir_decision_standard": {k: v / 24.2 for k, v in band.items()},
        "ir_annual_standard": {k: v + 0.013 for k, v in band.items()},
        "reliability": share,
        "half_life": {"median": 617.2, "q05": 301.0, "q95": 1630.0},
        "year": {"active": 244.0, "rho": 0.21, "factor": 0.811},
        "money_ir": 0.0371,
        "money_ir_annual": 0.637,
        "type_errors": {"sign": 0.031, "exaggeration": 1.73, "claim_rate": 0.41, "certainty": 0.95},
        "prior": {"p_spread": 0.0281, "p_mean": -0.0384, "ir_spread": 0.01, "ir_mean": -0.09, "halved": 0.62, "doubled": 0.58},
        "tails": {
            "largest_row": 0.0213,
            "row_of_sum": -0.66,
            "largest_day": 0.0431,
            "day_of_sum": 0.7,
            "session": "2026-08-03",
            "without_session": "2026-08-04",
            "probability_change": -0.0412,
            "ir_change": -0.1034,
            "pareto_k": 0.21,
            "judged": True,
        },
        "losses": {
            "decisions": 301.0,
            "keep": 1965.9,
            "revoke": 9771.6,
            "better": "keep",
            "evpi": 1965.9,
            "value": 7805.7,
            "p_loss": 0.37,
            "shortfall": -6120.3,
        },
        "needed": {"ir": ir, "decisions": 6261.0, "days": 1391 if ir > 0.25 else None, "years": 6.54 if ir > 0.25 else None},
        "quarter": {
            "mean": money,
            "q05": money - 60_411.0,
            "q50": money,
            "q95": money + 60_822.0,
            "p_loss": 0.41,
            "sessions": 63,
            "active": 61.2,
            "sd": 36_845.2,
            "shortfall": money - 76_001.0,
        },
    }


def code(name: str, text: str) -> dict[str, str]:
    """A reason code with its sentence."""
    return {"code": name, "text": text}


FEW = code("E-FEW", "not enough decisions (n = 3)")
LUCK = code("W-LUCK", "mostly luck so far: reliability 17%, limit 20%")
CELL = code("E-CELL", "7 active days, floor 10: pooled estimate, no claim")


def desk_rows() -> list[dict[str, Any]]:
    """Eight ordinary traders, three regimes."""
    rows = [
        row("T1", ir=1.31, width=0.62, p=0.972, raw_ir_annual=2.1),
        row(
            "T2",
            ir=0.94,
            width=0.66,
            p=0.914,
            status="FLAG",
            codes=[LUCK],
            shrinkage=0.83,
            reliability=0.17,
            raw_ir_annual=2.9,
        ),
        row("T3", ir=0.48, width=0.71, p=0.896, raw_ir_annual=0.9),
        row("T4", ir=0.22, width=0.60, p=0.47, raw_ir_annual=0.35),
        row("T5", ir=0.05, width=0.74, p=0.33, raw_ir_annual=-0.6),
        row("T6", ir=-0.71, width=0.55, p=0.004, p_positive=0.031, raw_ir_annual=-1.4),
        row("T7", ir=0.30, width=0.95, p=0.52, raw_ir_annual=9.4, n=31, days=22, n_eff=30.4),
        row("T8", status="WITHHOLD", n=3, days=2, n_eff=2.4, codes=[FEW]),
    ]
    cells = [("calm", 0.8, 0.62), ("stress", 1.2, 0.93), ("transition", -0.5, 0.1)]
    for number, own in enumerate(list(rows)):
        for regime, factor, p in cells:
            rows.append(_cell(own, number, regime, factor, p))
    return rows


def _cell(own: dict[str, Any], number: int, regime: str, factor: float, p: float) -> dict[str, Any]:
    """One regime of a trader; the transition regime of every third trader is thin."""
    if own["status"] == "WITHHOLD":
        return row(own["trader"], regime, status="WITHHOLD", n=1, days=1, n_eff=0.8, codes=[FEW])
    if regime == "transition" and number % 3 == 0:
        return row(own["trader"], regime, ir=0.2, p=0.44, n=40, days=7, codes=[CELL], status="REPORT")
    return row(own["trader"], regime, ir=own["ir_annual_mean"] * factor, p=min(p, own["p_above_hurdle"]), n=402, days=24)


def hostile_rows() -> list[dict[str, Any]]:
    """Every hostile name as trader and as regime, one of them withheld, one flagged."""
    rows = [row(n, ir=0.1 * i) for i, n in enumerate(HOSTILE)] + [row(LONG, status="WITHHOLD", codes=[code("E-FEW", HOSTILE[0])])]
    cells = [row(n, n, ir=-0.1 * i, status="FLAG", codes=[code("W-LUCK", n)]) for i, n in enumerate(HOSTILE)]
    return rows + cells + [row(LONG, LONG)]


def kpi(trader: str | None, **changes: Any) -> dict[str, Any]:
    """One row of the ledger's KPIs."""
    made: dict[str, Any] = {
        "by": "trader",
        "trader": trader,
        "n_signals": 5200,
        "n_interventions": 1250,
        "n_decisions": 1204,
        "n_sessions": 61,
        "n_open": 2,
    }
    made |= {"n_unavailable": 0, "n_quarantined": 1, "override_rate": 0.24, "hits": 640, "ties": 3, "hit_rate": 0.5316}
    made |= {"sum": 1_284_310_250_000, "mean": 1066.7, "sd": 21030.5, "ir_per_decision": 0.0507, "note": ""}
    return made | changes


def population() -> dict[str, Any]:
    """The desk's mean and two spreads."""
    entry = {"unit": "annual IR", "mean": 0.41, "median": 0.40, "q05": 0.02, "q95": 0.83}
    spread = {"unit": "annual IR", "mean": 0.55, "median": 0.52, "q05": 0.21, "q95": 1.02}
    shock = {"unit": "y, no unit", "mean": 0.31, "median": 0.31, "q05": 0.26, "q95": 0.37}
    return {
        "desk_mean": {"label": "Mean skill of the desk", **entry},
        "sd_trader": {"label": "Spread of skill between traders", **spread},
        "desk_day": {"label": "Shock of a day shared by the desk", **shock},
    }


def source(**changes: Any) -> dict[str, Any]:
    """What the evidence was."""
    made: dict[str, Any] = {"kind": "record", "unit": "USD", "has_year": True, "has_risk": True, "scale": 1.0}
    made |= {
        "sessions_per_year": 252.0,
        "sessions_spanned": 63,
        "traders": 8,
        "regimes": 3,
        "decisions": 8459,
        "rows": 9120,
        "sessions": 63,
    }
    made |= {"first_session": "2026-07-01", "last_session": "2026-09-30", "bets_per_year": 586.0}
    made |= {"bets_per_year_why": "from the sizes of days and the within-day correlation assumed in the plan"}
    return made | {"counts": {"open": 14, "no_risk": 2, "incomplete": 0}} | changes


def plan(**changes: Any) -> dict[str, Any]:
    """What was declared."""
    made: dict[str, Any] = {
        "name": "Q3 2026",
        "digest": "9f1c" * 16,
        "frozen": {
            "status": "before",
            "at": 1_782_820_800_000_000,
            "digest": "9f1c" * 16,
            "first_outcome": 1_782_939_600_000_000,
            "text": "Frozen on 2026-06-30 12:00:00 UTC, before the first outcome (2026-07-01 21:00:00 UTC), by the clock of the machine that froze it.",
            "keys": [],
            "freezes": 1,
        },
        "hurdle": 0.25,
        "hurdle_unit": "annual IR",
        "certainty": 0.9,
    }
    made |= {
        "horizon": "session+1",
        "fill_model": "arrival_mid",
        "floors": {"days": 20, "n_eff": 30, "cell_days": 10},
        "seed": 2026,
    }
    return made | {"text": 'name = "Q3 2026"\nhorizon = "session+1"\n[verdict]\nhurdle = 0.25'} | changes


def diagnostics() -> dict[str, Any]:
    """A fit that passed its gates."""
    made: dict[str, Any] = {
        "engine": "nuts (nutpie)",
        "chains": 4,
        "draws": 1000,
        "tune": 1000,
        "divergences": 0,
        "r_hat_max": 1.0041,
    }
    made |= {
        "r_hat_of": "sd_trader",
        "ess_min": 1320.4,
        "e_bfmi_min": 0.71,
        "reruns": [],
        "loo": {"elpd": -20_871.4, "se": 341.6, "k_max": 0.614, "k_limit": 0.7},
    }
    bell = [1, 4, 15, 60, 180, 260, 250, 160, 52, 14, 3, 1]
    checks = {n: {"p": 0.31, "observed": 0.4, "low": -1.0, "high": 2.0, "counts": bell} for n in ("skewness", "hit_rate")}
    return made | {
        "gates": [],
        "predictive": checks | {"minimum": {"p": 0.004, "observed": -5.2, "low": -4.9, "high": -3.1, "counts": bell}},
    }


def ranks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ranks of the traders that are shown, wide as they are when an order is not supported."""
    shown = sorted(r["trader"] for r in rows if r["regime"] == "all" and r["status"] != "WITHHOLD")
    return [
        {"trader": t, "rank_mean": None, "rank_q05": 1 + k // 2, "rank_q95": len(shown), "p_top_quartile": 0.271, "p_best": 0.13}
        for k, t in enumerate(shown)
    ]


def desk() -> dict[str, Any]:
    """What is said of the desk as a whole."""
    names = (
        "skill: what lasts and differs between traders",
        "regimes, actions and other conditions",
        "a shared shock",
        "a theme",
        "luck",
    )
    shares = {"decision": (0.002, 0.001, 0.007, 0.1, 0.89), "record": (0.57, 0.06, 0.02, 0.17, 0.18)}
    split = {
        k: [{"key": n, "label": n, "mean": s, "q05": 0.4 * s, "q95": 1.4 * s} for n, s in zip(names, v, strict=True)]
        for k, v in shares.items()
    }
    needed = [{"ir": i, "decisions": 9000 / i, "days": round(3034 / i), "years": 12.1 / i} for i in (1.0, 2.0, 3.0)]
    quarter = {
        "mean": 94_888.0,
        "q05": -57_678.0,
        "q50": 94_477.0,
        "q95": 250_059.0,
        "p_loss": 0.151,
        "sessions": 63,
        "active": 63.0,
    }
    return {"variance": split | {"sessions": 61.0, "decisions": 1204.0}, "needed": needed, "quarter": quarter}


def day_errors(names: list[str | None]) -> tuple[dict[str, Any], ...]:
    """Means with day-clustered errors."""
    line = {"rows": 1204, "days": 61, "mean": 1066.7, "mean_se": 741.2, "mean_q05": -171.4, "mean_q95": 2304.8}
    return tuple({"trader": n, **line, "hit_rate": 0.5316, "hit_rate_se": 0.0172, "n_eff": 803.3} for n in names)


def sample(rows: list[dict[str, Any]] | None = None, **changes: Any) -> Evaluation:
    """An evaluation of the given rows (default: the ordinary desk)."""
    rows = desk_rows() if rows is None else rows
    traders = list(dict.fromkeys(r["trader"] for r in rows))
    found: dict[str, Any] = {
        "status": "FLAG",
        "codes": (code("W-RISK", "the risk forecast is off: sd of standardised outcomes 1.46, allowed 0.7 to 1.4"),),
        "plan": plan(),
        "identity": {
            "spec": "ab12" * 16,
            "spec_name": "crossed_total",
            "evidence": "cd34" * 16,
            "version": "0.1.0",
            "components": "ef56" * 16,
            "seed": 2026,
        },
        "source": source(),
        "rows": tuple(rows),
        "population": population(),
        "diagnostics": diagnostics(),
        "kpis": (*(kpi(t) for t in traders), kpi(None, by="all", n_decisions=8459, sum=9_284_310_250_000)),
        "lists": {
            "skilled": {"claim": "1 of 7 clears the hurdle with 90% certainty", "traders": traders[:1]},
            "order": {
                "supported": False,
                "text": "order not supported by the data: the likeliest best trader is best with probability 44%",
                "code": "E-RANK",
                "statements": [
                    {"above": r["trader"], "below": rows[5]["trader"], "probability": 0.95} for r in rows[:2] if len(rows) > 5
                ],
            },
            "ranks": ranks(rows),
            "fdr": false_discoveries(rows),
            "hypotheses": hypotheses(rows),
        },
        "desk": desk(),
        "day_errors": day_errors([*traders, None]),
        "attribution": {},
        "caveats": (
            "One quarter is a belief update, not a verdict.",
            "Skill that is always on the same side cannot be told from luck of the desk.",
        ),
    }
    return Evaluation(**(found | changes))


def false_discoveries(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A list of the first three traders, the last of them no claim by itself."""
    shown = [r for r in rows if r["regime"] == "all" and r["status"] != "WITHHOLD"][:3]
    members = [
        {"trader": r["trader"], "p_above_hurdle": r["p_above_hurdle"], "running": 0.03 * (k + 1), "alone": k < 2}
        for k, r in enumerate(shown)
    ]
    return {"rate": 0.10, "traders": [m["trader"] for m in members], "expected_false_share": 0.09, "members": members}


def hypotheses(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first three regime cells."""
    cells = [r for r in rows if r["regime"] != "all"][:3]
    return [
        {
            "trader": r["trader"],
            "regime": r["regime"],
            "raw_ir": 0.211,
            "ir_decision_mean": 0.043,
            "sign": 0.082,
            "exaggeration": 2.31,
        }
        for r in cells
    ]


assert set(row("x")) >= set(SKILL_COLUMNS)

"""A plan written out: every key with its value and a sentence, generated from the classes that read it.

The keys, their order and their defaults come from the structs of `plan`; only the sentences stand here, and a key without a sentence is an
error of the program that a test finds. What has no default is written as a comment, because TOML has no word for "none".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from skillstats.plan import Asset, ColumnReading, Plan

MEANING: Final[Mapping[str, str]] = {
    "schema": "version of this format",
    "name": "free text, shown on the page",
    "period": "first and last desk session of the signals that count; without it the whole record",
    "horizon": "DECLARE IT BEFORE YOU SEE OUTCOMES, it has no default: PT<n>H, PT<n>M, session+<n>, close or exit",
    "decay": "further horizons, shown beside the declared one",
    "fill_model": "where the model would have traded: signal_price, arrival_mid, cross_spread or next_open",
    "latency": "from the signal to the model's fill",
    "currency": "base currency of all money",
    "seed": "seed of the fit; the ledger has no chance in it",
    "asof_model": "may a price stamped at the very instant be the model's: inclusive, or strict for no",
    "supersede": "several actions for one signal: quarantine, or latest (the last before the first fill stands)",
    "unfilled": "an action without a fill: quarantine, or zero (nothing was traded)",
    "max_skew": "how far clocks may differ: an action before its signal, a fill before its action",
    "late_after": "a row written down later than this after its action is marked late",
    "as_of": "instant of the evaluation, nothing later is read; without it the last price",
    "primary": 'whom the evaluation is about: traders, or ["trader", "regime"]; a claim elsewhere is a hypothesis. Empty: every trader',
    "audiences": "readers who may get a page: trader, head, pm, quant, governance. Empty: every reader",
    "max_age.quote": "oldest quote a look-up may use",
    "max_age.close": "oldest close, for assets with closes only: a duration, or session for the previous session's",
    "calendar.default": "exchange calendar of the desk; 24/7 for markets that never close",
    "fees.per_unit": "fee schedule of the model's fills, decimals as text",
    "fees.per_order": "per order",
    "fees.bps": "basis points of notional",
    "fees.minimum": "least fee of an order",
    "impact.y": "square-root impact of the model's fills; 0 is none",
    "regimes.use": "labels that split a trader's record: volatility, trend, spread, depth, volume, calendar, hmm, each also NAME@ASSET, or columns of regimes",
    "model.name": "skill model; without it the default for the kind of table",
    "model.bets_per_year": "independent bets a year behind the annual prior; without it from counts",
    "model.sessions_per_year": "sessions a year; without it the calendar's",
    "evidence.within_decision_correlation": "between the rows of one decision, when their risks are added",
    "verdict.hurdle": "annual information ratio an override is asked to be worth",
    "verdict.hurdle_decision": "the same per decision, where there is no year",
    "verdict.certainty": "probability a claim needs",
    "verdict.fdr": "false-discovery rate of a list of names",
    "floors.days": "active days a trader needs; without it 20. Only a plan frozen before the first outcome may lower a floor",
    "floors.n_eff": "effective decisions a trader needs; without it 30",
    "floors.cell_days": "active days a regime cell needs; without it 10",
    "privacy.min_traders": "smallest group shown to readers who may not see single people",
    "privacy.min_decisions": "the same in decisions",
    "privacy.pm_names": "whether such readers see names",
    "limits.max_rows": "rows of a table, checked before it is read",
    "limits.max_bytes": "bytes of a table, checked before it is decoded",
    "assets.class": "assets of one class share a floor of volatility",
    "assets.tick": "price step; without it the finest decimal place in the asset's cells",
    "assets.lot": "quantity step, likewise",
    "assets.multiplier": "money per point and unit",
    "assets.currency": "without it the base currency",
    "assets.calendar": "exchange calendar of the asset; without it the desk's",
    "assets.may_be_negative": "whether prices of 0 and below are meant",
    "assets.fx": "asset whose prices convert to the base currency",
    "columns.zone": "time zone of stamps without an offset",
    "columns.map": "words of yours to words of ours",
    "columns.decimal": "decimal mark",
    "columns.delimiter": "delimiter of the column's file",
}
"""A sentence for every key; those of one asset and one column under `assets.` and `columns.`."""

EXAMPLES: Final[Mapping[str, Any]] = {
    "period": ["2026-07-01", "2026-09-30"],
    "horizon": "session+1",
    "as_of": "2026-10-01T00:00:00Z",
    "model.name": "crossed_total",
    "model.bets_per_year": 600.0,
    "model.sessions_per_year": 252.0,
    "floors.days": 20,
    "floors.n_eff": 30.0,
    "floors.cell_days": 10,
    "assets.tick": "0.01",
    "assets.lot": "1",
    "assets.currency": "EUR",
    "assets.calendar": "XNYS",
    "assets.fx": "EURUSD",
    "columns.zone": "America/New_York",
    "columns.map": {"B": "BUY", "S": "SELL"},
}
"""What a commented key may look like, where its default is none or says nothing."""

HEAD: Final = """# Every choice that can change a number, with its default. Written before the outcomes are seen.
# A line behind # is not in force: the key has no value, and the line shows what one looks like. An unknown key is an error.
"""


def plan_text(plan: Plan) -> str:
    """The plan as TOML with every key, its value and what it means.

    Examples
    --------
    >>> print(plan_text(Plan(horizon="close")).splitlines()[3])
    schema = 1                      # version of this format
    """
    lines = [HEAD.rstrip("\n"), ""]
    top = [(f.encode_name, getattr(plan, f.name)) for f in msgspec.structs.fields(plan)]
    lines += [_line(key, value) for key, value in top if not isinstance(value, msgspec.Struct | dict)]
    for key, value in top:
        if isinstance(value, msgspec.Struct):
            lines += ["", f"[{key}]", *_section(key, value)]
        elif isinstance(value, dict):
            lines += list(_named(key, value))
    return "\n".join(lines) + "\n"


def _section(prefix: str, section: msgspec.Struct) -> Iterator[str]:
    for field in msgspec.structs.fields(section):
        yield _line(field.encode_name, getattr(section, field.name), f"{prefix}.{field.encode_name}")


def _named(key: str, tables: Mapping[str, msgspec.Struct]) -> Iterator[str]:
    """One table an asset or column; a commented example where there is none."""
    for name, section in tables.items():
        yield from ("", f"[{key}.{json.dumps(name, ensure_ascii=False)}]", *_section(key, section))
    if not tables:
        example, section = ("XYZ", Asset()) if key == "assets" else ("signals.time", ColumnReading())
        yield from ("", f'# [{key}."{example}"]', *("# " + line.removeprefix("# ") for line in _section(key, section)))


def _line(key: str, value: Any, place: str = "") -> str:
    place = place or key
    if value is None or value == {}:
        return f"{f'# {key} = {_toml(EXAMPLES[place])}':<31} # {MEANING[place]}"
    return f"{f'{key} = {_toml(value)}':<31} # {MEANING[place]}"


def _toml(value: Any) -> str:
    """One value in TOML; strings, numbers, booleans and lists are written as in JSON."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k, ensure_ascii=False)} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)

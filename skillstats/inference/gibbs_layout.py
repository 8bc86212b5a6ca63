"""From cells, a specification and its kept terms to the arrays of the Gibbs kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.components.priors import prior_numbers
from skillstats.errors import UsageError
from skillstats.evidence import Cells, Evidence
from skillstats.evidence.cells import distinct_rows
from skillstats.inference.gibbs_problem import Data, Prior, State
from skillstats.inference.separable import Terms
from skillstats.spec.model import Luck, ModelSpec, Skill
from skillstats.spec.vocabulary import slot_of_term

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
FEW_ROWS_A_PAIR = 4.0
"""Rows per trader-session below which s_U and sigma are hard to tell apart."""


@dataclass(frozen=True, slots=True)
class Group:
    """One skill term: its posterior name and dims, its level in each cell, and whether the levels are each trader's own."""

    term: str
    symbol: str
    dims: tuple[str, ...]
    level: Ints
    levels: int
    own: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything a chain needs but its seed.

    groups : shared ones, then those nested in traders, in the order of the kernel
    """

    data: Data
    prior: Prior
    groups: tuple[Group, ...]
    traders: int
    regimes: int


def groups_of(cells: Cells, evidence: Evidence, terms: Terms) -> tuple[Group, ...]:
    """The kept skill terms, shared ones first; a trader's own finest first, so that their block is sparse."""
    regimes, actions = len(evidence.coords["regime"]), len(evidence.coords["action"])
    known = (
        Group("regime", "b", ("regime",), cells.regime, regimes, own=False),
        Group("action", "g", ("action",), cells.action, actions, own=False),
        Group("trader:regime", "c", ("trader", "regime"), cells.regime, regimes, own=True),
        Group("trader", "a", ("trader",), np.zeros(len(cells), dtype=np.int64), 1, own=True),
    )
    return tuple(group for group in known if group.term in terms.skill)


KNOWN_TERMS = ("regime", "action", "trader:regime", "trader")


KNOWN_FIELDS = {
    ModelSpec: ("schema", "name", "title", "target", "skill", "luck", "priors", "sampling"),
    Skill: ("terms", "population"),
    Luck: ("tails", "shocks", "volatility_by", "trader_session_scale"),
}


def uncovered(spec: ModelSpec) -> list[str]:
    """What of a specification the engine does not cover, in words; empty if it covers all.

    A field that this engine has never heard of counts as not covered as soon as it says anything but its default.
    """
    found = [f"skill term {word}" for word in spec.skill.terms if word not in KNOWN_TERMS]
    found += [f"population {spec.skill.population}"] if spec.skill.population != "normal" else []
    found += [f"tails {spec.luck.tails}"] if spec.luck.tails != "normal" else []
    found += [f"shock {word}" for word in spec.luck.shocks if word not in ("session", "trader:session")]
    for part in (spec, spec.skill, spec.luck):
        new = [f for f in msgspec.structs.fields(part) if f.name not in KNOWN_FIELDS[type(part)]]
        found += [f"{f.name} = {getattr(part, f.name)!r}" for f in new if getattr(part, f.name) != f.default]
    return found + [f"volatility by {word}" for word in spec.luck.volatility_by if word not in ("trader", "regime")]


def make_problem(spec: ModelSpec, evidence: Evidence, terms: Terms, bets_per_year: float | None) -> Problem:
    """Arrays of the kernel.

    Raises
    ------
    UsageError
        If the specification holds something the engine does not cover.
    """
    missing = uncovered(spec)
    if missing:
        raise UsageError(f"model {spec.name}: engine gibbs does not cover {', '.join(missing)}; use engine nuts")
    cells = _by_trader(evidence.cells)
    groups = groups_of(cells, evidence, terms)
    prior = _priors(spec, terms, groups, bets_per_year, cells)
    traders, regimes = len(evidence.coords["trader"]), len(evidence.coords["regime"])
    return Problem(_data(cells, groups, prior, traders, regimes), prior, groups, traders, regimes)


def _by_trader(cells: Cells) -> Cells:
    order = np.lexsort((cells.action, cells.regime, cells.session, cells.trader))
    columns = {name: getattr(cells, name)[order] for name in ("session", "trader", "n", "mean", "ss", "x", "xx", "xy")}
    return replace(cells, **columns, labels={name: codes[order] for name, codes in cells.labels.items()})


def _priors(spec: ModelSpec, terms: Terms, groups: tuple[Group, ...], bets: float | None, cells: Cells) -> Prior:
    """Numbers of the priors of the kept terms; zeros stand where a term is not in the model."""

    def numbers(slot: str) -> Floats:
        return prior_numbers(spec.priors[slot], bets)

    def scales(own: bool) -> Floats:
        return np.array([numbers(slot_of_term(g.term))[1] for g in groups if g.own == own])

    kind = 0 if "trader:session" not in terms.shocks else {"common": 1, "by_trader": 2}[str(spec.luck.trader_session_scale)]
    own_level = int("trader" in terms.volatility_by)
    few = cells.n.sum() / len(np.unique(np.stack([cells.trader, cells.session]), axis=1).T) < FEW_ROWS_A_PAIR
    return Prior(
        mu=numbers("skill_mean"),
        global_sd=scales(own=False),
        local_sd=scales(own=True),
        session_sd=float(numbers("session_sd")[1]) if "session" in terms.shocks else 0.0,
        pair_kind=kind,
        pair_sd=float(numbers("trader_session_sd")[1]) if kind == 1 else 0.0,
        pair_log=np.append(numbers("trader_session_log_sd"), numbers("trader_session_log_sd_spread")[1])
        if kind == 2
        else np.ones(3),
        level=np.append(numbers("residual_log_sd"), numbers("residual_log_sd_spread")[1] if own_level else 1.0),
        own_level=own_level,
        regime_sd=float(numbers("residual_log_sd_regime")[1]) if "regime" in terms.volatility_by else 0.0,
        share=int(few and (kind, own_level) in {(1, 0), (2, 1)}),
    )


def _data(cells: Cells, groups: tuple[Group, ...], prior: Prior, traders: int, regimes: int) -> Data:
    count = len(cells)
    shared, own = [g for g in groups if not g.own], [g for g in groups if g.own]
    gamma_at = 1 + np.cumsum([0, *(g.levels for g in shared)])
    own_at = np.cumsum([0, *(g.levels for g in own)])
    zero = np.zeros(count, dtype=np.int64)
    in_gamma = np.stack([zero, *(g.level + at for g, at in zip(shared, gamma_at, strict=False))], axis=1)
    in_own = np.stack([cells.trader, *(g.level + at for g, at in zip(own, own_at, strict=False))], axis=1)

    own_profiles, own_profile = _distinct(in_own)
    profiles, profile = _distinct(np.concatenate([in_gamma, own_profile[:, None], cells.regime[:, None]], axis=1))
    starts = np.flatnonzero((np.diff(cells.trader, prepend=-1) != 0) | (np.diff(cells.session, prepend=-1) != 0))
    session = np.unique(cells.session, return_inverse=True)[1].astype(np.int64)
    pair = np.repeat(np.arange(len(starts)), np.diff(starts, append=count))
    gamma_start, gamma_place, cell_gamma = _touched(pair, in_gamma)
    own_start, own_place, cell_own = _touched(pair, own_profile[:, None])
    mixing = prior.pair_kind > 0 and bool(np.any(np.diff(own_start) > 1))
    rows = np.zeros((traders, regimes))
    np.add.at(rows, (cells.trader, cells.regime), cells.n)
    shifts = _shifts(shared, own, gamma_at, own_at)
    return Data(
        n=cells.n.astype(np.float64),
        mean=np.ascontiguousarray(cells.mean),
        profile=profile,
        session=session,
        session_rows=_session_rows(session, in_gamma, cells.n, int(gamma_at[-1])),
        rows=rows,
        profile_rows=np.bincount(profile, cells.n).astype(np.float64),
        profile_ss=np.bincount(profile, cells.ss),
        profile_trader=np.ascontiguousarray(own_profiles[profiles[:, -2], 0]),
        profile_regime=np.ascontiguousarray(profiles[:, -1]),
        profile_gamma=np.ascontiguousarray(profiles[:, :-2]),
        profile_local=np.ascontiguousarray(own_profiles[profiles[:, -2], 1:]),
        profile_own=np.ascontiguousarray(profiles[:, -2]),
        own_trader=np.ascontiguousarray(own_profiles[:, 0]),
        own_local=np.ascontiguousarray(own_profiles[:, 1:]),
        cell_start=np.append(starts, count).astype(np.int64),
        pair_session=session[starts],
        pair_start=_pair_start(cells.trader[starts], traders) if prior.pair_kind else np.zeros(traders + 1, dtype=np.int64),
        gamma_start=gamma_start,
        gamma_place=gamma_place,
        cell_gamma=cell_gamma,
        own_start=own_start,
        own_place=own_place,
        cell_own=cell_own[:, 0].copy(),
        gamma_group=_owners(shared, first=-1),
        local_group=_owners(own),
        shift_gamma=shifts[:, 0].copy(),
        shift_from=shifts[:, 1].copy(),
        shift_to=shifts[:, 2].copy(),
        lead=0 if mixing or not own else own[0].levels,
        trader_entry=int(own_at[-2]) if own and own[-1].term == "trader" else -1,
    )


def _distinct(rows: Ints) -> tuple[Ints, Ints]:
    """Distinct rows in order, and which of them each row is."""
    found, inverse = distinct_rows(list(rows.T))
    return np.stack(found, axis=1), inverse


def _session_rows(session: Ints, in_gamma: Ints, n: Ints, size: int) -> Floats:
    """Decisions of each session that each entry of gamma takes part in, shape (session, gamma)."""
    total = np.zeros((int(session.max()) + 1, size))
    for column in in_gamma.T:
        np.add.at(total, (session, column), n)
    return total


def _touched(pair: Ints, columns: Ints) -> tuple[Ints, Ints, Ints]:
    """The distinct columns each pair touches: offsets (pair + 1,), columns, and where each cell's columns stand among them."""
    width = int(columns.max()) + 1
    touched, where = np.unique(pair[:, None] * width + columns, return_inverse=True)
    starts = np.searchsorted(touched, np.arange(int(pair[-1]) + 2) * width).astype(np.int64)
    return starts, touched % width, where.reshape(columns.shape).astype(np.int64)


def _pair_start(trader: Ints, traders: int) -> Ints:
    return np.searchsorted(trader, np.arange(traders + 1)).astype(np.int64)


def _owners(groups: list[Group], first: int | None = None) -> Ints:
    """Group of each entry."""
    owners = [np.full(g.levels, k, dtype=np.int64) for k, g in enumerate(groups)]
    head = [np.array([first], dtype=np.int64)] if first is not None else []
    return np.concatenate([*head, *owners, np.zeros(0, dtype=np.int64)])


def _shifts(shared: list[Group], own: list[Group], gamma_at: Ints, own_at: Ints) -> Ints:
    """What can be traded: mu against the traders, each regime against the traders in it; rows (place in gamma, from, to)."""
    found = []
    places = {g.term: (g, int(at)) for g, at in zip(shared, gamma_at, strict=False)}
    for group, at in zip(own, own_at, strict=False):
        if group.term == "trader":
            found.append((0, int(at), int(at) + 1))
        partner = group.term.removeprefix("trader:")
        if partner in places:
            found += [(places[partner][1] + r, int(at) + r, int(at) + r + 1) for r in range(group.levels)]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def first_state(problem: Problem, rng: np.random.Generator) -> State:
    """A start: effects at 0, sds spread around usual sizes, the residual around the spread of the outcomes within pairs."""
    data, prior = problem.data, problem.prior
    jitter = rng.uniform(-1.0, 1.0, 8)
    total = float(np.sqrt((data.profile_ss.sum() + data.n @ data.mean**2) / data.n.sum())) or 1.0
    level, pair = np.log(total) + 0.3 * jitter[0], np.log(0.4 * total) + 0.5 * jitter[1]
    traders = problem.traders
    return State(
        gamma=np.append(prior.mu[0], np.zeros(len(data.gamma_group) - 1)),
        local=np.zeros((traders, len(data.local_group))),
        tau_global=prior.global_sd * np.exp(jitter[2]) * 0.5,
        tau_local=prior.local_sd * np.exp(jitter[3]) * 0.5,
        s_v=np.array([0.4 * total * np.exp(0.5 * jitter[4]) if prior.session_sd else 0.0]),
        s_u=np.full(traders, np.exp(pair) if prior.pair_kind else 0.0),
        pair_level=np.array([pair, 0.3 * np.exp(0.5 * jitter[5])]),
        lam=np.full(traders, level),
        l_r=np.zeros(problem.regimes),
        level=np.array([level, 0.1 * np.exp(jitter[6])]),
        v=np.zeros(int(data.session.max()) + 1),
    )


def first_widths(problem: Problem) -> Floats:
    """Slice widths before the warm-up has adapted them, in the order the sweep uses them."""
    prior, traders = problem.prior, problem.traders
    return np.concatenate(
        [
            prior.global_sd,
            prior.local_sd,
            [0.2],
            np.full(3 * traders, 0.3),
            np.full(6, 0.3),
            np.full(problem.regimes, 0.1),
        ]
    )

"""Planted bugs of the ledger: each is one exact replacement in one file, and some test must notice it.

A list of mutants rots silently when the code moves on. `test_mutants.py` therefore asserts that every `old` text still occurs exactly
once in its file; whoever changes such a line changes the mutant with it.
"""

from __future__ import annotations

from dataclasses import dataclass

EXAMPLES = "tests/unit/test_ledger_examples.py"
ORACLE = "tests/oracle/test_oracle_agrees.py::test_both_ledgers_agree"
EVIDENCE = "tests/unit/test_evidence.py"
CHECKS = "tests/unit/test_record_checks.py"
REGIMES = "tests/unit/test_regimes.py"
USUAL = (EXAMPLES, f"{ORACLE}[0]", f"{ORACLE}[1]")
"""Tests that see most bugs, cheapest first."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A planted bug.

    name : unique; file : under ``skillstats``; old, new : exact texts; harm : what the bug would do to somebody
    tests : what has to notice it, in the order in which it is run
    """

    name: str
    file: str
    old: str
    new: str
    harm: str
    tests: tuple[str, ...] = USUAL


MUTANTS = (
    Mutant(
        "as_of_strict",
        "market/store.py",
        'return _look(store, asset, instant, kind, "left" if strict else "right", -1)',
        'return _look(store, asset, instant, kind, "left", -1)',
        "a quote stamped at the instant would not be seen, so the close itself would never mark anything",
    ),
    Mutant(
        "look_ahead_one_row",
        "market/store.py",
        'return _look(store, asset, instant, kind, "left" if strict else "right", -1)',
        'return _look(store, asset, instant, kind, "left" if strict else "right", 0)',
        "every price would be the one after the decision",
    ),
    Mutant(
        "crossed_quote_used",
        "market/store.py",
        "quote = (bid != NULL) & (ask != NULL) & (bid <= ask)",
        "quote = (bid != NULL) & (ask != NULL)",
        "a crossed quote would price both books",
    ),
    Mutant(
        "yesterdays_close_at_the_close",
        "market/marks.py",
        "by_close = np.where(instant == sessions.closes[k], time > previous, time >= previous)",
        "by_close = time >= previous",
        "a missing close would be filled with yesterday's, and the row would look priced",
    ),
    Mutant(
        "look_past_as_of",
        "market/marks.py",
        "asked = np.where(instant > market.as_of, NULL, instant)",
        "asked = instant",
        "prices after the instant of the evaluation would enter",
        ("tests/mutation/test_as_of_is_the_end.py",),
    ),
    Mutant(
        "sell_sign_dropped",
        "ledger/chains.py",
        'SIDE_SIGN: Final = {"BUY": 1, "SELL": -1}',
        'SIDE_SIGN: Final = {"BUY": 1, "SELL": 1}',
        "every SELL would have the wrong sign, as in the published table",
    ),
    Mutant(
        "reverse_counted_as_followed",
        "ledger/chains.py",
        'sign = np.where(chains.action[chain[order]] == "REVERSE", -1, 1)',
        'sign = np.where(chains.action[chain[order]] == "REVERSE", 1, 1)',
        "a trade against the signal would count as one with it",
    ),
    Mutant(
        "ties_by_time_alone",
        "ledger/chains.py",
        "order = sorted(range(len(chains)), key=keys.__getitem__)",
        "order = sorted(range(len(chains)), key=lambda i: keys[i][0])",
        "the order of rows of one instant would depend on the order of the tables",
        ("tests/mutation/test_ledger_order.py",),
    ),
    Mutant(
        "overlap_is_q",
        "ledger/algebra.py",
        "return np.minimum(self.q, np.maximum(self.filled, 0))",
        "return self.q",
        "shares never traded would carry drift and slippage",
    ),
    Mutant(
        "drift_and_slippage_swapped",
        "ledger/algebra.py",
        "actual_pnl, model_pnl, drift, slippage, cost = (divide_half_even(n, d) for n, d in exact)",
        "actual_pnl, model_pnl, slippage, drift, cost = (divide_half_even(n, d) for n, d in exact)",
        "the broker would be blamed for the trader's waiting",
    ),
    Mutant(
        "rounding_half_up",
        "units.py",
        "up = (twice > denominator) | ((twice == denominator) & (quotient % 2 == 1))",
        "up = twice >= denominator",
        "sums would drift upwards by half a micro-unit a row",
        (f"{ORACLE}[0]", f"{ORACLE}[1]", f"{ORACLE}[2]", f"{ORACLE}[3]", "skillstats/ledger/algebra.py"),
    ),
    Mutant(
        "cost_sign",
        "ledger/algebra.py",
        "cost_n = (o.model_cost - o.actual_cost) * o.rn",
        "cost_n = (o.actual_cost - o.model_cost) * o.rn",
        "paying more than the model would look like a gain, and size would hide it",
    ),
    Mutant(
        "cost_not_converted",
        "ledger/algebra.py",
        "cost_n = (o.model_cost - o.actual_cost) * o.rn",
        "cost_n = (o.model_cost - o.actual_cost) * o.rd",
        "fees in another currency would enter at par, and size would hide the difference",
        ("tests/unit/test_ledger_currency.py",),
    ),
    Mutant(
        "fee_minimum_ignored",
        "ledger/costs.py",
        "return max(minimum * MICRO, graded)",
        "return graded",
        "the model would trade small orders too cheaply",
    ),
    Mutant(
        "fills_after_the_horizon_count",
        "ledger/pricing.py",
        "return fills.time <= limit[fills.chain]",
        "return (fills.time <= limit[fills.chain]) | (fills.time <= as_of)",
        "trades made when the outcome was known would count as decisions",
    ),
    Mutant(
        "hindsight_check_removed",
        "ledger/pricing.py",
        "late = (chains.row >= 0) & (horizon != NULL) & (chains.decided > horizon)",
        "late = (chains.row >= 0) & (horizon != NULL) & (chains.decided > horizon) & False",
        "an action after its horizon would be judged (D213)",
    ),
    Mutant(
        "latency_ignored",
        "ledger/pricing.py",
        "at = np.where(when == NULL, NULL, when + parse_duration(market.plan.latency))",
        "at = np.where(when == NULL, NULL, when)",
        "the model would be filled before its order can have arrived",
        (*USUAL, f"{ORACLE}[2]"),
    ),
    Mutant(
        "cross_spread_takes_the_near_side",
        "ledger/pricing.py",
        "        chains.side > 0,\n        mark_at",
        "        chains.side < 0,\n        mark_at",
        "the model would earn the spread instead of paying it",
    ),
    Mutant(
        "late_model_fill_accepted",
        "ledger/pricing.py",
        "(prices.horizon != NULL) & (stamped > prices.horizon)",
        "(prices.horizon != NULL) & (stamped > prices.horizon) & False",
        "a model filled after its own horizon would be called a counterfactual",
        (*USUAL, f"{ORACLE}[2]", f"{ORACLE}[3]"),
    ),
    Mutant(
        "carry_lost",
        "ledger/slices.py",
        "session - np.r_[0, session[:-1]] - 1)",
        "np.zeros_like(session))",
        "a day that holds the money of three would look like one",
    ),
    Mutant(
        "slices_see_later_fills",
        "ledger/slices.py",
        'np.searchsorted(times, instant, side="right"), side="left")',
        'len(times), side="left")',
        "the first day would be credited with what was traded later",
    ),
    Mutant(
        "decision_counted_as_rows",
        "ledger/kpis.py",
        'decision=rows["decision_id"].map(code).fillna(-1).astype(np.int64),',
        "decision=np.arange(len(rows)),",
        "one blanket veto would count as ten independent hits",
    ),
    Mutant(
        "ties_count_as_hits",
        "ledger/kpis.py",
        "for m in (slice(None), amount > 0, amount == 0)]",
        "for m in (slice(None), amount >= 0, amount == 0)]",
        "doing nothing of consequence would raise the hit rate",
        ("tests/mutation/test_ties_are_no_hits.py",),
    ),
    Mutant(
        "sd_with_n",
        "ledger/kpis.py",
        "sd = (Decimal(spread) / (n * (n - 1))).sqrt()",
        "sd = (Decimal(spread) / (n * n)).sqrt()",
        "the ratio of few decisions would look too good",
    ),
    Mutant(
        "incomplete_decisions_judged",
        "ledger/kpis.py",
        'judged=rows["is_intervention"] & rows["decision_id"].isin(complete),',
        'judged=rows["is_intervention"],',
        "half a decision would be judged, the open half as zero",
    ),
    Mutant(
        "quarantine_leaves_the_fills",
        "record/quarantine.py",
        "keep[name] &= ~bad_chains[tables.chain[name]]",
        'keep[name] &= ~bad_chains[tables.chain[name]] | (name == "fills")',
        "fills of a refused action would stay behind",
        (CHECKS, EXAMPLES),
    ),
    Mutant(
        "supersede_picks_the_first",
        "record/duplicates.py",
        "return [(r, str(ids[early[-1]])) for r in early[:-1] if r not in filled]",
        "return [(r, str(ids[early[0]])) for r in early[1:] if r not in filled]",
        "a corrected order would lose against the one it corrected",
        (f"{CHECKS}::test_supersede_latest_keeps_the_last_action_before_the_first_fill",),
    ),
    Mutant(
        "horizon_one_session_late",
        "market/horizon.py",
        'steps = 0 if name == "close" else int(name[8:])',
        'steps = 1 if name == "close" else int(name[8:])',
        "the close of the day would be the close of the next",
    ),
    Mutant(
        "exit_on_the_same_side",
        "market/horizon.py",
        "result[i] = latest.get((*key, -int(side[i])), NULL)",
        "result[i] = latest.get((*key, int(side[i])), NULL)",
        "a second BUY would close the first",
    ),
    Mutant(
        "volatility_sees_its_own_session",
        "market/volatility.py",
        "n = count[: len(returns)] - count[first]\n    sums = total[: len(returns)] - total[first]",
        "n = count[1 : len(returns) + 1] - count[first]\n    sums = total[1 : len(returns) + 1] - total[first]",
        "risk would be scaled by the very move it is the risk of",
        (EVIDENCE,),
    ),
    Mutant(
        "label_of_the_same_instant",
        "regimes/labels.py",
        'at = np.searchsorted(times[rows], decided[mine], side="left") - 1',
        'at = np.searchsorted(times[rows], decided[mine], side="right") - 1',
        "a label published at the decision could contain it",
    ),
    Mutant(
        "label_allowed_at_the_decision",
        "regimes/labels.py",
        "late = int((cutoff >= decided).sum())",
        "late = int((cutoff > decided).sum())",
        "a label made of the very datum it is to judge would pass the check",
        ("skillstats/regimes/labels.py",),
    ),
    Mutant(
        "spread_of_the_session_itself",
        "regimes/series.py",
        "shifted: list[Value] = [None, *values[:-1]] if values else []",
        "shifted: list[Value] = list(values)",
        "a decision would be labelled by quotes that came after it",
        (REGIMES,),
    ),
    Mutant(
        "trend_sees_its_own_session",
        "regimes/series.py",
        "own = [r for r in numbers[max(k - WINDOW, 0) : k] if r != NULL]",
        "own = [r for r in numbers[max(k - WINDOW, 0) : k + 1] if r != NULL]",
        "the day's own return would be in its trend, and any vetoer would look skilled in falls",
        (REGIMES,),
    ),
    Mutant(
        "breakpoint_moves_its_own_value",
        "regimes/terciles.py",
        "level[k] = int(value > low[k]) + int(value > high[k])",
        "level[k] = int(value >= low[k]) + int(value >= high[k])",
        "ties would change their third",
        (REGIMES,),
    ),
    Mutant(
        "state_filtered_not_predicted",
        "regimes/states.py",
        "return states, predict_states(known, states)[fitted_on - first :]",
        "return states, predict_states(known, states)[fitted_on - first + 1 :]",
        "the state would have seen the outcome's own session",
        (REGIMES,),
    ),
    Mutant(
        "closure_foreseen",
        "regimes/calendar.py",
        "scheduled = working[~np.isin(working, holidays)]",
        "scheduled = np.intersect1d(working, rules.sessions.to_numpy(dtype='datetime64[D]'))",
        "the eve of a storm would be the eve of a holiday",
        (REGIMES,),
    ),
)

"""Whatever a desk looks like: from everything that is released together no small group follows, and what is released adds up."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillstats.boundary.contexts import Label
from skillstats.report.release.departures import Departures
from skillstats.report.release.release import release_of
from skillstats.report.release.system import Floors

PRIME = 2**31 - 1
LABELS = {"asset_class": 3, "regime": 3, "action": 3, "signal_type": 2, "side": 2}


def rank(rows: np.ndarray) -> int:
    """Rank over a prime field by plain elimination: an independent calculation, in integers."""
    left, found = np.asarray(rows, dtype=np.int64) % PRIME, 0
    for column in range(left.shape[1]):
        at = np.flatnonzero(left[found:, column])
        if not len(at):
            continue
        left[[found, found + at[0]]] = left[[found + at[0], found]]
        left[found] = left[found] * pow(int(left[found, column]), -1, PRIME) % PRIME
        others = np.flatnonzero(left[:, column])
        others = others[others != found]
        left[others] = (left[others] - left[others, column][:, None] * left[found] % PRIME) % PRIME
        found += 1
        if found == len(left):
            break
    return found


def levels(name: str, codes: np.ndarray) -> Label:
    used, dense = np.unique(codes, return_inverse=True)
    return Label(dense.astype(np.int64), tuple(f"{name}{k}" for k in used))


@st.composite
def desks(draw):
    """Departures of a desk whose people keep to few corners of it, with a label that nearly repeats another."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, people = draw(st.integers(8, 70)), draw(st.integers(3, 7))
    person = rng.choice(people, n, p=rng.dirichlet(np.ones(people)))
    labels = {}
    for name, size in LABELS.items():
        own = rng.dirichlet(np.full(size, 0.6), size=people)  # each person has a habit of his own
        labels[name] = levels(name, np.array([rng.choice(size, p=own[p]) for p in person]))
    if draw(st.booleans()):
        nearly = labels["asset_class"].codes.copy()
        nearly[rng.random(n) < 0.04] = 0
        labels["volatility"] = levels("v", nearly)
    labels = {k: v for k, v in labels.items() if len(v.levels) > 1}
    decision = np.sort(rng.integers(0, max(2, n - draw(st.integers(0, 6))), n))
    money = rng.integers(-(10**9), 10**9, (2, n))
    made = Departures(
        np.arange(n), levels("p", person).codes, levels("d", decision).codes, labels, money[0], money[1], money[1] - money[0]
    )
    judged = np.flatnonzero((rng.random(n) < 0.9) & (np.r_[-1, made.decision[:-1]] != made.decision))
    extra = {"judged": np.isin(made.decision, made.decision[judged])}
    return made, judged, extra, Floors(draw(st.sampled_from([3, 4])), draw(st.sampled_from([4, 6])))


def printed(release, extra, judged=None) -> np.ndarray:
    """Everything that is printed as indicators of rows: cells, rests, totals and further sums."""
    sets = []
    for cut in release.cuts.values():
        sets += [cut.codes == k for k in np.unique(cut.codes[cut.codes >= 0])]
    sets += [extra[name] for name in release.extra]
    rows = np.unique(np.array(sets), axis=0).astype(np.int64)
    return rows if judged is None else rows[:, judged]


def small(mask: np.ndarray, person: np.ndarray, decision: np.ndarray, floors: Floors) -> bool:
    return bool(mask.any()) and (len(set(person[mask])) < floors.people or len(set(decision[mask])) < floors.decisions)


def assert_nothing_follows(sets, person, decision, labels, floors):
    full = rank(sets)
    everybody = range(person.max() + 1)
    for few in combinations(everybody, min(floors.people - 1, len(everybody))):
        assert rank(sets[:, ~np.isin(person, few)]) == full, f"something follows about the rows of {few} alone"
    for first, second in combinations(sets, 2):
        assert not small(first != second, person, decision, floors), "two sums subtract to a small group"
    for size in (1, 2, 3):
        for names in combinations(labels, size):
            code = np.unique(np.stack([labels[k] for k in names]), axis=1, return_inverse=True)[1].reshape(-1)
            for k in np.unique(code):
                if small(code == k, person, decision, floors):
                    assert rank(np.vstack([sets, (code == k).astype(np.int64)])) == full + 1, f"a small cell of {names} follows"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(desks())
def test_no_small_group_follows_from_everything_released(desk):
    rows, judged, extra, floors = desk
    release = release_of(rows, floors, judged=judged, extra=extra)
    if not release.shown:
        assert not release.cuts and not release.extra
        return
    codes = {k: label.codes for k, label in rows.labels.items()}
    assert_nothing_follows(printed(release, extra), rows.person, rows.decision, codes, floors)
    of_judged = printed(release, extra, judged)
    of_judged = np.unique(of_judged[of_judged.any(axis=1)], axis=0)
    person = np.unique(rows.person[judged], return_inverse=True)[1]
    assert_nothing_follows(of_judged, person, np.arange(len(judged)), {k: v[judged] for k, v in codes.items()}, floors)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(desks())
def test_every_table_adds_up_to_its_rows_and_every_cell_is_large_enough(desk):
    rows, judged, extra, floors = desk
    release = release_of(rows, floors, judged=judged, extra=extra)
    for labels, cut in release.cuts.items():
        inside = np.all([rows.labels[k].codes >= 0 for k in labels], axis=0) if labels else np.ones(len(rows), dtype=bool)
        for name in ("model", "actual", "value_add"):
            told = [getattr(c, name) for c in (*cut.cells, *([cut.rest] if cut.rest else []))]
            assert sum(told) == getattr(cut.of, name) == int(getattr(rows, name)[inside].sum())
        for cell in (*cut.cells, *([cut.rest] if cut.rest else [])):
            assert cell.people >= floors.people and cell.decisions >= floors.decisions
        assert cut.hidden == 0 or cut.rest is not None


def test_a_desk_whose_corners_are_kept_by_two_people_shows_less_than_one_where_all_meet():
    rng = np.random.default_rng(3)
    n = 400
    person = rng.integers(0, 6, n)
    regime = levels("r", rng.integers(0, 2, n))
    shared, kept = levels("c", rng.integers(0, 3, n)), levels("c", person // 2)
    money = rng.integers(-1000, 1000, n)

    def hidden(label: Label) -> int:
        rows = Departures(np.arange(n), person, np.arange(n), {"asset_class": label, "regime": regime}, 0 * money, money, money)
        return sum(c.hidden for c in release_of(rows, Floors(5, 20)).cuts.values())

    assert hidden(shared) == 0
    rows = Departures(np.arange(n), person, np.arange(n), {"asset_class": kept, "regime": regime}, 0 * money, money, money)
    assert set(release_of(rows, Floors(5, 20)).cuts) == {(), ("regime",)}

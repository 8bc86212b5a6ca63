"""Rate, regime and choice for any tilts, amounts and regimes: the identity, the order of rows, and what the first two parts mean."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from skillstats.attribution.choice import largest_remainder, split_parts

TILTS = st.fractions(min_value=-3, max_value=5, max_denominator=700)
ROWS = st.lists(st.tuples(TILTS, st.integers(-(10**15), 10**15), st.integers(0, 3)), min_size=1, max_size=40)
FEW = st.lists(st.tuples(TILTS, st.integers(-(10**6), 10**6), st.just(0)), min_size=1, max_size=5)
QUICK = settings(max_examples=60, deadline=None, database=None, phases=(Phase.generate,), derandomize=True)


@QUICK
@given(ROWS)
def test_parts_add_up_and_the_order_of_rows_does_not_matter(rows: list[tuple[Fraction, int, int]]) -> None:
    parts = split_parts(*map(list, zip(*rows, strict=True)))
    assert sum(parts) == sum(u * m for u, m, _ in rows)
    assert split_parts(*map(list, zip(*reversed(rows), strict=True))) == parts
    renamed = [(u, m, -g) for u, m, g in rows]
    assert split_parts(*map(list, zip(*renamed, strict=True))) == parts


@QUICK
@given(FEW)
def test_rate_is_the_mean_over_all_permutations(rows: list[tuple[Fraction, int, int]]) -> None:
    tilts, money, group = map(list, zip(*rows, strict=True))
    sums = [sum(u * m for u, m in zip(order, money, strict=True)) for order in permutations(tilts)]
    assert split_parts(tilts, money, group)[0] == sum(sums, Fraction(0)) / len(sums)


@QUICK
@given(ROWS)
def test_whole_numbers_stay_within_one_of_their_parts(rows: list[tuple[Fraction, int, int]]) -> None:
    parts = split_parts(*map(list, zip(*rows, strict=True)))
    total = round(sum(parts))
    shown = largest_remainder(parts, total)
    assert sum(shown) == total and all(abs(s - p) <= 1 for s, p in zip(shown, parts, strict=True))

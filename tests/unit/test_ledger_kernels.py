"""The compiled loops of the ledger give the integers of their plain forms."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from skillstats.ledger import algebra, kernels, kpis
from skillstats.ledger.algebra import Orders, Parts, as_type, fits, plain_parts, value_add_parts
from skillstats.units import round_half_even


def random_orders(seed: int, rows: int, size: int) -> Orders:
    """Orders of any shape; `size` bounds prices and quantities."""
    pick = Random(seed)

    def many(low: int, high: int) -> list[int]:
        return [pick.randrange(low, high) for _ in range(rows)]

    filled = [pick.choice([0, pick.randrange(-size, size)]) for _ in range(rows)]
    return Orders(
        side=np.array([pick.choice([-1, 1]) for _ in range(rows)], dtype=object),
        q=np.array([pick.choice([0, pick.randrange(1, size)]) for _ in range(rows)], dtype=object),
        p=np.array(many(1, size), dtype=object),
        filled=np.array(filled, dtype=object),
        notional=np.array([f * pick.randrange(1, size) + pick.randrange(3) for f in filled], dtype=object),
        arrival=np.array([f * pick.randrange(1, size) for f in filled], dtype=object),
        mark=np.array(many(1, size), dtype=object),
        un=np.array(many(1, 50), dtype=object),
        ud=np.array([pick.choice([1, 1, 3, 7, 20]) for _ in range(rows)], dtype=object),
        actual_cost=np.array(many(-500, 500), dtype=object),
        model_cost=np.array(many(0, 500), dtype=object),
        rn=np.array([pick.choice([1, 1, 13]) for _ in range(rows)], dtype=object),
        rd=np.array([pick.choice([1, 1, 9]) for _ in range(rows)], dtype=object),
    )


def assert_equal(one: Parts, other: Parts) -> None:
    for name in Parts.__slots__:
        assert getattr(one, name).tolist() == getattr(other, name).tolist(), name


@pytest.mark.parametrize("size", [5, 1_000, 100_000])
def test_compiled_parts_equal_plain_parts(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = random_orders(size, 400, size)
    assert fits(orders).all()
    expected = plain_parts(orders)
    assert 50 < expected.rounded.sum() < 350
    monkeypatch.setattr(algebra, "FEW", 0)
    assert_equal(value_add_parts(orders), expected)
    assert_equal(value_add_parts(as_type(orders, np.int64)), expected)


def test_rows_that_leave_64_bits_are_computed_beside_those_that_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = random_orders(1, 50, 100), random_orders(2, 50, 2**25)
    both = Orders(**{k: np.r_[getattr(small, k), getattr(large, k)] for k in Orders.__slots__})
    assert fits(both).any() and not fits(both).all()
    for few in (0, 20_000):
        monkeypatch.setattr(algebra, "FEW", few)
        assert_equal(value_add_parts(both), plain_parts(both))


@pytest.mark.parametrize("value", [0, 1, -1, 2**31, -(2**31), 2**32, 2**32 - 1, 10**18, 2**63 - 1, -(2**63)])
def test_squares_are_exact(value: int) -> None:
    high, low = kernels.square(value)
    assert (int(high) << 64) + int(low) == value * value


@pytest.mark.parametrize("seed", range(20))
def test_sums_by_group_are_exact(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pick = Random(seed)
    amount = np.array(
        [pick.choice([0, pick.randrange(-(2**55), 2**55), pick.randrange(-9, 9)]) for _ in range(90)], dtype=np.int64
    )
    group = np.array([pick.randrange(5) for _ in amount], dtype=np.int64)
    plain = kpis.add_up(group, amount, 6)
    monkeypatch.setattr(kpis, "FEW", 0)
    assert kpis.add_up(group, amount, 6) == plain
    assert plain[4] == [sum(int(a) ** 2 for a in amount[group == g]) for g in range(6)]


def test_half_even_division() -> None:
    for n in range(-60, 60):
        for d in range(1, 12):
            assert kernels.half_even(n, d) == (round_half_even(n, d), n % d != 0)

"""Look-ups: the plain path, the compiled loop and a slow loop over the rows agree on every integer."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from skillstats.errors import InputRejected
from skillstats.market import store as stores
from skillstats.market.store import Lookup, PriceStore, build_store
from skillstats.record.containers import NULL
from skillstats.record.price_rows import CELLS, PRICE_COLUMNS, PriceRows, finish, refused_of
from skillstats.units import Scale


def random_rows(seed: int, columns: tuple[str, ...] = CELLS) -> PriceRows:
    """Three assets with few rows, some without any price of a kind, some refused."""
    pick = Random(seed)
    counts = [pick.randrange(1, 12) for _ in range(3)]
    offsets = np.cumsum([0, *counts])
    time = np.concatenate([np.sort(pick.sample(range(60), n)) for n in counts]).astype(np.int64)
    cells = {
        name: np.array([pick.choice([NULL, pick.randrange(1, 30)]) for _ in time], dtype=np.int64)
        if name in columns
        else np.zeros(0, dtype=np.int64)
        for name in CELLS
    }
    refused = np.array(sorted(pick.sample(range(len(time)), 3)) if len(cells["close"]) else [], dtype=np.int64)
    for at in refused:
        for name in CELLS:
            if len(cells[name]):
                cells[name][at] = NULL
        cells["close"][at] = refused_of(np.int64)
    places = np.array([2, 0, 1], dtype=np.int64)
    return finish(("A", "B", "C"), offsets, time, cells, (places, places), (refused, ()), ("", time))


def narrow(rows: PriceRows) -> PriceRows:
    """The same prices in 32 bits, counted from a base."""
    base, packed = np.array([7, 0, -3], dtype=np.int64), {}
    owner = np.repeat(np.arange(3), np.diff(rows.offsets))
    for name in CELLS:
        cells = getattr(rows, name)
        shift = base[owner] if name in PRICE_COLUMNS and len(cells) else 0
        whole = np.where(cells > refused_of(np.int64), cells - shift, 0).astype(np.int32)
        whole[cells == NULL] = np.iinfo(np.int32).min
        whole[cells == refused_of(np.int64)] = np.iinfo(np.int32).min + 1
        packed[name] = whole if len(cells) else np.zeros(0, dtype=np.int32)
    return PriceRows(**{k: getattr(rows, k) for k in PriceRows.__slots__} | packed | {"base": base})


SCALES = {n: Scale(t, Fraction(1, 1000)) for n, t in zip("ABC", (Fraction(1, 100), Fraction(1), Fraction(1, 1000)), strict=True)}


def slowly(store: PriceStore, asset: int, instant: int, kind: str, *, strict: bool, forward: bool) -> tuple[int, int, int]:
    """Row, price in half ticks and tombstone in the way, by looking at every row."""
    run = range(store.offsets[asset], store.offsets[asset + 1])
    rows = [i for i in run if (store.time[i] >= instant if forward else store.time[i] < instant + (not strict))]
    rows = rows if forward else rows[::-1]
    at = {name: dict(zip(run, store.cells(asset, name).tolist(), strict=True)) for name in CELLS}
    for i in rows:
        if i in store.rows.refused and (kind != "open" or len(store.rows.open)):
            return -1, NULL, i
        bid, ask, close = at["bid"][i], at["ask"][i], at["close"][i]
        quoted = NULL not in (bid, ask) and bid <= ask
        mid = (bid + ask) // 2 if quoted else close
        price = {"mid": mid, "bid": bid if quoted else NULL, "ask": ask if quoted else NULL, "open": at["open"][i]}[kind]
        if price != NULL:
            return i, price, -1
    return -1, NULL, -1


@pytest.mark.parametrize("columns", [CELLS, ("bid", "ask"), ("close", "volume"), ("close", "open")])
@pytest.mark.parametrize("kind", stores.KINDS)
@pytest.mark.parametrize("way", ["inclusive", "strict", "forward"])
def test_every_path_finds_the_same_row(columns: tuple[str, ...], kind: str, way: str) -> None:
    strict, forward = way != "inclusive", way == "forward"
    for seed in range(12):
        rows = random_rows(seed, columns)
        wide, packed = build_store(rows, SCALES), build_store(narrow(rows), SCALES)
        pick = Random(seed + 1)
        asset = np.array([pick.randrange(-1, 3) for _ in range(80)], dtype=np.int64)
        instant = np.array([pick.choice([NULL, *range(-1, 62)]) for _ in asset], dtype=np.int64)
        expected = [
            slowly(wide, a, t, kind, strict=strict, forward=forward) if a >= 0 and t != NULL else (-1, NULL, -1)
            for a, t in zip(asset.tolist(), instant.tolist(), strict=True)
        ]
        found: list[Lookup] = [
            stores._look(wide, asset, instant, kind, "left" if strict else "right", 0 if forward else -1),
            *(
                stores._compiled(s, asset, instant, kind, strict=strict and not forward, forward=forward, threads=n)
                for s in (wide, packed)
                for n in (1, 2, 8)
            ),
        ]
        for lookup in found:
            assert list(zip(lookup.row.tolist(), lookup.price.tolist(), lookup.blocked.tolist(), strict=True)) == expected
            hit = lookup.row >= 0
            assert (lookup.time[hit] == rows.time[lookup.row[hit]]).all()
            assert (lookup.time[~hit] == NULL).all()


def test_the_digest_of_prices_is_that_of_their_content() -> None:
    rows = random_rows(3)
    assert narrow(rows).digest == rows.digest
    cells = {n: getattr(rows, n).copy() for n in CELLS}
    cells["bid"][np.flatnonzero(cells["bid"] > 0)[0]] += 1
    again = finish(
        rows.assets, rows.offsets, rows.time, cells, (rows.places, rows.volume_places), (rows.refused, ()), (rows.file, rows.line)
    )
    assert again.digest != rows.digest


def test_prices_that_leave_the_scale_are_refused() -> None:
    rows = random_rows(3)
    with pytest.raises(InputRejected, match="F110"):
        build_store(rows, SCALES | {"A": Scale(Fraction(1, 10**20), Fraction(1))})

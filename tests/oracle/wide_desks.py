"""Random desks with everything the contract knows: what is added to a plain desk, each feature by chance and with its own corner cases.

Each function changes a desk in place and draws from the desk's own generator. Splits rewrite the orders and prices that follow them, most
of the time: a feed that was never adjusted, an order in old units and a share that no lot can hold occur as well. Under the fill model
`signal_price` a desk has no targets, since signals made of positions have no price.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from desks import HORIZONS, Desk, Kind, Maker, Row, shown, stamp

RATIOS = ("2", "1.5", "3", "3", "7", "0.1", "0.7")
DECAYS = ("exit", "close", "session+1", "session+3", "PT45M", "PT6H", "PT24H")
HISTORY = 36
"""Calendar days of daily rows before the desk starts, where impact is asked."""


def widen(desk: Desk, maker: Maker) -> None:
    """Add each feature with a chance that lets all pairs of them meet."""
    parts: tuple[tuple[Callable[[Desk, Maker], None], float], ...] = (
        (expiries, 0.5),
        (blanket_veto, 0.4),
        (targets, 0.4),
        (unknown_asset, 0.15),
        (earlier_actions, 0.4),
        (unfilled, 0.4),
        (several_desks, 0.4),
        (resimulation, 0.5),
        (impact, 0.5),
        (corporate_actions, 0.7),
        (gaps, 0.4),
        (currency, 0.5),
        (fees, 0.4),
        (decay, 0.5),
    )
    for part, share in parts:
        if maker.chance(share):
            part(desk, maker)


def when(row: Row) -> datetime:
    return datetime.fromisoformat(row["time"])


def plain(value: Fraction) -> str:
    """A fraction with a finite decimal expansion, as text."""
    places = next(n for n in range(40) if (value * 10**n).denominator == 1)
    return shown(int(value * 10**places), places)


def into(desk: Desk, asset: str, text: str) -> None:
    """Further keys for an asset in the plan."""
    desk.sections = desk.sections.replace(f'[assets."{asset}"]\n', f'[assets."{asset}"]\n{text}')


# chains ----------------------------------------------------------------------------------------------------------------------------


def expiries(desk: Desk, maker: Maker) -> None:
    for row in desk.tables["signals"]:
        if maker.chance(0.5) and "/" not in row["signal_id"]:
            row["expires"] = stamp(when(row) + timedelta(seconds=maker.pick.choice((5, 700, 4_000, 100_000, 400_000))))


def new_signal(maker: Maker, name: str, time: datetime) -> Row:
    kind = maker.pick.choice(maker.kinds)
    price = shown(max(maker.walk[kind.name] + maker.pick.randint(-9, 9), 1), kind.price_places)
    row = {"signal_id": name, "time": stamp(time), "model": maker.pick.choice(("m1", "m2")), "asset": kind.name}
    row |= {"side": maker.pick.choice(("BUY", "SELL")), "quantity": shown(maker.quantity(kind), kind.lot_places), "price": price}
    if maker.chance(0.5):
        row["horizon"] = maker.pick.choice(HORIZONS)
    return row


def blanket_veto(desk: Desk, maker: Maker) -> None:
    """Three signals vetoed at once: one decision."""
    time, trader = maker.moment(), maker.pick.choice(("T1", "T2", "T3"))
    for n in range(3):
        signal = new_signal(maker, f"B{n}", time - timedelta(seconds=maker.pick.choice((0, 60, 2_000))))
        desk.tables["signals"].append(signal)
        veto = {
            "action_id": f"AB{n}",
            "signal_id": f"B{n}",
            "time": stamp(time),
            "trader": trader,
            "action": "VETO",
            "quantity": "",
        }
        desk.tables["actions"].append(veto | {"decision_id": "blanket"})


def targets(desk: Desk, maker: Maker) -> None:
    """A model that issues positions; some of its differences are vetoed."""
    if desk.options["fill_model"] == "signal_price":
        return
    rows: list[Row] = []
    kind = maker.pick.choice(maker.kinds)
    position, moments = 0, sorted({maker.moment() for _ in range(4)})
    for n, time in enumerate(moments):
        if n:
            position += maker.pick.choice((0, 1, -1)) * maker.quantity(kind)
        row = {"time": stamp(time), "model": "m3", "asset": kind.name, "target": shown(position, kind.lot_places)}
        before = rows[-1]["target"] if rows else row["target"]
        if row["target"] != before and maker.chance(0.5):
            name = f"m3/{kind.name}/{round(time.timestamp() * 10**6)}"
            veto = {
                "action_id": f"AM{n}",
                "signal_id": name,
                "time": stamp(time),
                "trader": "T2",
                "action": "VETO",
                "quantity": "",
            }
            desk.tables["actions"].append(veto)
        rows.append(row)
    maker.pick.shuffle(rows)
    desk.tables["targets"] = rows


def unknown_asset(desk: Desk, maker: Maker) -> None:
    desk.tables["signals"].append({**new_signal(maker, "N0", maker.moment()), "asset": "NOPRICE"})


def earlier_actions(desk: Desk, maker: Maker) -> None:
    """An action that a later one replaced before any fill; refused where the plan does not say so."""
    signals = {s["signal_id"]: s for s in desk.tables["signals"]}
    if maker.chance(0.8):
        desk.head += 'supersede = "latest"\n'
    for row in list(desk.tables["actions"]):
        signal = signals.get(row["signal_id"])
        if signal and when(row) > when(signal) and maker.chance(0.6):
            early = {"action_id": f"A-{row['action_id']}", "signal_id": row["signal_id"], "time": signal["time"], "trader": "T3"}
            desk.tables["actions"].append(early | {"action": "VETO", "quantity": ""})


def unfilled(desk: Desk, maker: Maker) -> None:
    """Orders that never traded."""
    if maker.chance(0.7):
        desk.options["unfilled"] = "zero"
    empty = {row["action_id"] for row in desk.tables["actions"] if maker.chance(0.3)}
    desk.tables["fills"] = [row for row in desk.tables["fills"] if row["action_id"] not in empty]


def several_desks(desk: Desk, maker: Maker) -> None:
    for row in desk.tables["actions"]:
        row["desk"] = maker.pick.choice(("east", "west", ""))


def resimulation(desk: Desk, maker: Maker) -> None:
    """What the model would have signalled; some signals stay as they were."""
    same = [dict(row) for row in desk.tables["signals"] if maker.chance(0.4)]
    for row in same:
        row.pop("expires", None)
    made = [new_signal(maker, f"R{n}", maker.moment()) for n in range(5)]
    for row in made:
        if maker.chance(0.3):
            row["horizon"] = "exit"
    desk.tables["resimulated"] = same + made


# market ----------------------------------------------------------------------------------------------------------------------------


def impact(desk: Desk, maker: Maker) -> None:
    """Daily closes with volume before the desk starts: mostly enough of them, sometimes too few or without volume."""
    desk.sections = f'[impact]\ny = "{maker.pick.choice(("1", "0.7", "2.5", "0.3333"))}"\n' + desk.sections
    for kind in maker.kinds:
        into(desk, kind.name, f'tick = "{shown(1, kind.price_places)}"\n')
        days = HISTORY if maker.chance(0.85) else 8
        level = 100 * 10**kind.lot_places if kind.lot_places else 100_000
        silent = maker.chance(0.1)
        desk.tables["prices"] += history(maker, kind, days, 0 if silent else level)
        for row in desk.tables["prices"]:
            if row["asset"] == kind.name and "volume" not in row and not silent and maker.chance(0.7):
                row["volume"] = shown(maker.pick.randint(0, level // 10), kind.lot_places)


def history(maker: Maker, kind: Kind, days: int, volume: int) -> list[Row]:
    price, rows = kind.level, []
    for day in range(days, 0, -1):
        date = maker.start - timedelta(days=day)
        price = max(price + maker.pick.randint(-kind.level // 60, kind.level // 60), 10)
        if maker.chance(0.05) or (kind.calendar == "XNYS" and date.weekday() >= 5):
            continue
        early = timedelta(seconds=maker.pick.choice((0, 0, 1, 300)))
        end = date + timedelta(days=1) if kind.calendar == "24/7" else date + timedelta(hours=20 if _summer(date) else 21)
        if end - early <= maker.start:
            row = {"asset": kind.name, "time": stamp(end - early), "close": shown(price, kind.price_places)}
            if volume and maker.chance(0.95):
                row["volume"] = shown(maker.pick.randint(volume // 5, 2 * volume), kind.lot_places)
            rows.append(row)
    return rows


def corporate_actions(desk: Desk, maker: Maker) -> None:
    """A few splits and dividends, half of them at the very instant of something else; what follows a split is rewritten."""
    found: dict[tuple[str, str, str], Row] = {}
    for _ in range(maker.pick.randint(3, 8)):
        kind, time = _instant(desk, maker)
        what = maker.pick.choice(("split", "split", "dividend"))
        value = (
            maker.pick.choice(RATIOS) if what == "split" else shown(maker.pick.randint(1, kind.level // 20), kind.price_places)
        )
        row = {"asset": kind.name, "time": stamp(time), "kind": what, "value": value + ("5" if what == "dividend" else "")}
        if maker.chance(0.2):
            other = {**row, "kind": "dividend" if what == "split" else "split", "value": "0.25" if what == "split" else "2"}
            found.setdefault((kind.name, other["time"], other["kind"]), other)
        found.setdefault((kind.name, row["time"], what), row)
    desk.tables["corporate_actions"] = list(found.values())
    splits = [row for row in found.values() if row["kind"] == "split"]
    _rewrite_orders(desk, maker, splits)
    if maker.chance(0.8):
        _rewrite_prices(desk, maker, splits)


def _instant(desk: Desk, maker: Maker) -> tuple[Kind, datetime]:
    """An asset, and the instant of its signal, order, fill, quote, horizon or close, one soon after a signal, or any other."""
    kinds = {kind.name: kind for kind in maker.kinds}
    signals = {s["signal_id"]: s["asset"] for s in desk.tables["signals"]}
    assets = {a["action_id"]: signals.get(a["signal_id"], a.get("asset", "")) for a in desk.tables["actions"]}
    table = maker.pick.choice(
        ("signals", "waits", "waits", "fills", "fills", "prices", "horizon", "horizon", "horizon", "after", "after", "")
    )
    times = {s["signal_id"]: s["time"] for s in desk.tables["signals"]}
    waits = [a for a in desk.tables["actions"] if times.get(a["signal_id"], a["time"]) != a["time"]]
    rows = waits if table == "waits" else desk.tables.get({"after": "signals", "horizon": "signals"}.get(table, table), [])
    row = maker.pick.choice(rows) if rows else {}
    kind = kinds.get(row.get("asset") or assets.get(row.get("action_id", ""), ""), maker.pick.choice(maker.kinds))
    if table == "after":
        return kind, when(row) + timedelta(seconds=maker.pick.choice((0, 10, 1_000, 9_000, 40_000, 90_000)))
    if table == "horizon":
        early = timedelta(seconds=maker.pick.choice((0, 0, 0, 60, 900, 1_700)))
        return kind, _near_horizon(row.get("horizon") or desk.options["horizon"], kind, when(row)) - early
    if row:
        return kind, when(row)
    day = maker.start + timedelta(days=maker.pick.randint(-3, 6))
    return kind, day + timedelta(seconds=maker.pick.randint(0, 86_399), microseconds=maker.pick.randint(0, 999_999))


def _near_horizon(text: str, kind: Kind, time: datetime) -> datetime:
    """The horizon of a signal, but for weekends and holidays."""
    if text.startswith("PT"):
        return time + timedelta(minutes=int(text[2:-1]) * (60 if text.endswith("H") else 1))
    days = int(text[-1]) if text.startswith("session") else 0
    midnight = datetime.combine(time.date(), datetime.min.time(), UTC) + timedelta(days=days)
    return midnight + timedelta(hours=24 if kind.calendar == "24/7" else 20 if _summer(midnight) else 21)


def _summer(date: datetime) -> bool:
    return datetime(2024, 3, 10, tzinfo=UTC) <= date < datetime(2024, 11, 3, tzinfo=UTC)


def _ratio(splits: list[Row], asset: str, after: datetime, upto: datetime) -> Fraction:
    product = Fraction(1)
    for row in splits:
        if row["asset"] == asset and after < when(row) <= upto:
            product *= Fraction(row["value"])
    return product


def _rewrite_orders(desk: Desk, maker: Maker, splits: list[Row]) -> None:
    """Orders and fills in the units of their own time; some are left in old units, some fills a lot short."""
    signals = {s["signal_id"]: s for s in desk.tables["signals"]}
    actions = {}
    for row in desk.tables["actions"]:
        source = signals.get(row["signal_id"], row)
        actions[row["action_id"]] = (row, source.get("asset", ""), when(row))
        factor = _ratio(splits, source.get("asset", ""), when(source), when(row))
        if row["quantity"] and not maker.chance(0.25):
            row["quantity"] = plain(Fraction(row["quantity"]) * factor)
        for fill in desk.tables["fills"]:
            if fill["action_id"] == row["action_id"]:
                fill["quantity"] = plain(Fraction(fill["quantity"]) * factor)
    for fill in desk.tables["fills"]:
        _, asset, time = actions[fill["action_id"]]
        factor = _ratio(splits, asset, time, when(fill))
        if factor != 1 and not (factor > 1 and maker.chance(0.65)) and not maker.chance(0.1):
            fill["quantity"] = plain(Fraction(fill["quantity"]) * factor)


def _rewrite_prices(desk: Desk, maker: Maker, splits: list[Row]) -> None:
    """Prices after a split in new units, on the asset's places."""
    signals = {s["signal_id"]: s["asset"] for s in desk.tables["signals"]}
    assets = {a["action_id"]: signals.get(a["signal_id"], a.get("asset", "")) for a in desk.tables["actions"]}
    for kind in maker.kinds:
        for table in ("prices", "signals", "fills", "resimulated"):
            for row in desk.tables.get(table, []):
                if row.get("asset", assets.get(row.get("action_id", ""), "")) == kind.name:
                    factor = _ratio(splits, kind.name, datetime.fromisoformat("2000-01-01T00:00:00+00:00"), when(row))
                    for cell in ("bid", "ask", "close", "open", "price"):
                        if row.get(cell):
                            steps = round(Fraction(row[cell]) * 10**kind.price_places / factor)
                            row[cell] = shown(max(steps, 1), kind.price_places)


def gaps(desk: Desk, maker: Maker) -> None:
    """Hours without any price of one asset."""
    kind = maker.pick.choice(maker.kinds)
    begin = maker.moment()
    end = begin + timedelta(hours=maker.pick.choice((3, 8, 30)))
    rows = desk.tables["prices"]
    desk.tables["prices"] = [r for r in rows if r["asset"] != kind.name or not begin < when(r) <= end] or rows


def currency(desk: Desk, maker: Maker) -> None:
    """One or both assets in another currency, with quotes or closes of its rate; sometimes late, missing, refused or not named at all."""
    for kind in maker.pick.sample(maker.kinds, maker.pick.choice((1, 1, 2))):
        named = "" if maker.chance(0.05) else 'fx = "EURUSD"\n'
        into(desk, kind.name, f'currency = "EUR"\n{named}')
    desk.sections += f'[assets."EURUSD"]\ncalendar = "{maker.pick.choice(("24/7", "24/7", "XNYS"))}"\n'
    if maker.chance(0.06):
        return
    quoted, level = maker.chance(0.6), 108_512
    moment = maker.start - timedelta(days=1)
    rows: list[Row] = []
    while moment < maker.start + timedelta(days=8):
        moment += timedelta(seconds=maker.pick.choice((1_200, 1_800, 3_600, 5_000, 9_000 if maker.chance(0.2) else 1_800)))
        level += maker.pick.randint(-300, 300)
        row = {"asset": "EURUSD", "time": stamp(moment), "close": shown(level, 5)}
        if quoted:
            row |= {"bid": shown(level - 1, 5), "ask": shown(level + maker.pick.randint(0, 2), 5)}
        if maker.chance(0.02):
            row = {"asset": "EURUSD", "time": stamp(moment), "close": "0"}
        rows.append(row)
    if maker.chance(0.4):
        begin = maker.moment()
        rows = [r for r in rows if not begin < when(r) <= begin + timedelta(hours=40)]
    desk.tables["prices"] += rows


# the plan --------------------------------------------------------------------------------------------------------------------------


def fees(desk: Desk, maker: Maker) -> None:
    """A schedule whose parts are no whole micro-units."""
    lines = [line for line in desk.sections.split("\n") if not line.startswith(("[fees]", "per_", "bps", "minimum"))]
    bps, least = maker.pick.choice(("1.7", "0.33333", "12.345")), maker.pick.choice(("0", "1.25", "3.3333333"))
    text = f'[fees]\nper_unit = "{maker.pick.choice(("0", "0.0031", "0.00000077"))}"\nbps = "{bps}"\nminimum = "{least}"\n'
    desk.sections = text + "\n".join(lines)


def decay(desk: Desk, maker: Maker) -> None:
    kinds = maker.pick.sample(DECAYS, maker.pick.randint(1, 4))
    desk.head += "decay = [" + ", ".join(f'"{k}"' for k in kinds) + "]\n"

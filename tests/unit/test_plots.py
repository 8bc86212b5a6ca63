"""The pictures for notebooks: their data against independent calculations, nothing withheld in them, and the marks are the data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import msgspec
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))

import sample as made

import skillstats as ss
from skillstats.errors import UsageError
from skillstats.evaluation.needed import still_needed
from skillstats.evaluation.pictures import Pictures
from skillstats.evaluation.result import ESTIMAND_COLUMNS, Evaluation
from skillstats.ledger.containers import Ledger
from skillstats.luck.envelope import envelope
from skillstats.luck.placebo import prepare, universe_of
from skillstats.luck.strata import risk_cells, terciles
from skillstats.report.plots.choice import choice_data
from skillstats.report.plots.decay import decay_data
from skillstats.report.plots.forest import forest_data
from skillstats.report.plots.funnel import funnel_data, luck_edge
from skillstats.report.plots.grid import grid_data
from skillstats.report.plots.needed import needed_data
from skillstats.report.plots.parts import parts_data
from skillstats.report.plots.prior import prior_data, prior_ends
from skillstats.report.plots.quarter import quarter_data
from skillstats.report.plots.ranks import ranks_data
from skillstats.report.plots.rate import rate_data
from skillstats.report.plots.running import running_data, running_of
from skillstats.report.plots.split import split_data
from skillstats.spec import read_spec
from skillstats.units import MICRO

ALONE = {
    "forest": forest_data,
    "funnel": funnel_data,
    "grid": grid_data,
    "prior": prior_data,
    "ranks": ranks_data,
    "quarter": quarter_data,
    "needed": needed_data,
    "rate": rate_data,
    "split": split_data,
    "choice": choice_data,
}
PLANTED = 98765.4321
CHANCE = 0.876543210123


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    import matplotlib.pyplot as plt

    with mpl.rc_context({"backend": "Agg"}):
        yield
        plt.close("all")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """Three traders over twenty sessions, with a further horizon."""
    record, _ = ss.simulate(ss.World(traders=3, sessions=20, signals_per_day=10.0, directional=()), seed=5)
    return ss.build_ledger(record, msgspec.structs.replace(record.plan, decay=("session+1",)))


def evaluation(rows: list[dict[str, Any]] | None = None, **changes: Any) -> Evaluation:
    """The sample with the digest of the real model, and with blocks."""
    known = made.sample(rows).identity | {"spec": read_spec("crossed_total").digest}
    return made.sample(rows, identity=known, attribution=blocks(rows), **changes)


def blocks(rows: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Choice and factors of the sample's traders, with one part a number nobody else has."""
    from test_choice_sections import choice_block, split

    traders = list(dict.fromkeys(r["trader"] for r in (rows or made.desk_rows())))
    parts = {"timing": 400.0, "tilt": -150.0, "selection": 200.0, "execution": 50.0, "unattributed": 0.0}
    line = {"value_add": 500.0, "n_decisions": 9, "n_sessions": 9, **parts}
    factors = {"available": True, "unit": "USD", "traders": [{"trader": t, **line} for t in traders]}
    return {
        "choice": choice_block(*(split(t, 1, 2, 3, 4) for t in traders)),
        "factors": factors | {"all": {"trader": "whole desk", **line}},
    }


def of(ledger: Ledger) -> Evaluation:
    """An evaluation that rests on the ledger."""
    return made.sample(source=made.source(ledger=ledger.digest))


def texts(axes: Any) -> str:
    """Everything that is written in a figure."""
    return " ".join(t.get_text() for t in axes.figure.findobj(mpl.text.Text))


# what every picture owes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALONE)
def test_data_is_frozen_plain_and_says_what_it_shows(name: str) -> None:
    data = ALONE[name](evaluation())
    assert data is not None
    content = json.loads(msgspec.json.encode(data))
    assert content["title"].strip() and len(content["description"]) > len("a picture of something")
    with pytest.raises(AttributeError):
        data.title = "other"
    axes = getattr(evaluation(), f"plot_{name}")()
    assert " ".join(axes.get_title(loc="left").split()) == " ".join(content["title"].split())


@pytest.mark.parametrize("name", ALONE)
def test_nothing_withheld_is_in_the_data_or_the_picture(name: str) -> None:
    planted = dict.fromkeys(ESTIMAND_COLUMNS, PLANTED) | dict.fromkeys(("p_positive", "p_above_hurdle", "lfsr", "shrinkage", "reliability"), CHANCE)  # fmt: skip
    rows = [*made.desk_rows(), {**made.row("Zed", status="WITHHOLD", codes=[made.FEW]), **planted, "raw_ir": PLANTED, "raw_ir_annual": PLANTED}]  # fmt: skip
    rows.append({**made.row("Zed", "calm", status="WITHHOLD", codes=[made.FEW]), **planted})
    lists = made.sample(rows).lists
    lists = {**lists, "ranks": [*lists["ranks"], {"trader": "Zed", "rank_mean": None, "rank_q05": 1, "rank_q95": 98765, "p_top_quartile": CHANCE, "p_best": CHANCE}]}  # fmt: skip
    found = evaluation(rows, lists=lists)
    drawn = texts(getattr(found, f"plot_{name}")())
    for trace in ("98765", "98,765", "0.8765432101", "87.65", "Zed: 9"):
        assert trace not in msgspec.json.encode(ALONE[name](found)).decode()
        assert trace not in drawn


@pytest.mark.parametrize("name", ["forest", "funnel", "prior", "ranks", "quarter", "needed"])
def test_a_withheld_fit_has_no_picture(name: str) -> None:
    stop = evaluation(status="WITHHOLD")
    assert ALONE[name](stop) is None
    with pytest.raises(UsageError, match=f"plot_{name}: "):
        getattr(stop, f"plot_{name}")()


@pytest.mark.parametrize("name", ALONE)
def test_hostile_names_are_drawn_as_they_are_whatever_the_users_settings(name: str, recwarn: pytest.WarningsRecorder) -> None:
    with mpl.rc_context({"text.parse_math": True}):
        axes = getattr(evaluation(made.hostile_rows()), f"plot_{name}")()
        axes.figure.canvas.draw()
    assert "$" in texts(axes) or name in ("needed", "split")


@pytest.mark.parametrize("name", ALONE)
def test_given_axes_are_drawn_on(name: str) -> None:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    assert getattr(evaluation(), f"plot_{name}")(ax=axes) is axes
    assert axes.lines or axes.patches or axes.texts


def test_every_method_is_carried_out_and_nothing_is_imported_before() -> None:
    methods = sorted(k for k in vars(Pictures) if k.startswith("plot_"))
    assert methods == sorted([f"plot_{n}" for n in (*ALONE, "parts", "decay", "running")])
    script = (
        "import sys, skillstats, skillstats.late\n"
        "from skillstats.evaluation.result import Evaluation\n"
        "assert callable(Evaluation.plot_forest)\n"
        "loaded = sorted(m for m in sys.modules if m == 'matplotlib' or m.startswith('skillstats.report'))\n"
        "assert not loaded, loaded\n"
        "import importlib\n"
        f"for name in {methods}:\n"
        "    home = skillstats.late._HOMES[name]\n"
        "    assert callable(getattr(importlib.import_module(home), name)), name\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


# each picture ---------------------------------------------------------------------------------------------------------------------------


def test_the_forests_dots_are_the_posterior_means() -> None:
    found = evaluation()
    data = forest_data(found)
    assert data is not None
    dots = [
        float(line.get_xdata()[0])
        for line in found.plot_forest().lines
        if line.get_marker() == "o" and line.get_markersize() == 7.5
    ]
    means = [r["ir_annual_mean"] for r in found.rows if r["regime"] == "all" and r["status"] != "WITHHOLD"]
    assert sorted(dots) == sorted(means)
    assert [r.trader for r in data.rows][-1] == "T8" and data.rows[-1].ir is None and all(r.detail is None for r in data.rows)


def test_the_funnel_holds_its_share_of_simulated_records_without_skill() -> None:
    """20,000 records of 60 normal outcomes without skill, in desks of eight."""
    rng = np.random.default_rng(11)
    y = rng.standard_normal((20_000, 60))
    raw = np.abs(y.mean(axis=1) / y.std(axis=1, ddof=1))
    inside = np.mean(raw <= luck_edge(60))
    desks = np.mean(np.all(raw.reshape(-1, 8) <= luck_edge(60, 8), axis=1))
    # five standard errors of a share of 20,000 and of 2,500
    assert abs(inside - 0.90) < 5 * np.sqrt(0.09 / 20_000) and abs(desks - 0.90) < 5 * np.sqrt(0.09 / 2_500)


def test_the_funnel_counts_what_lies_outside() -> None:
    data = funnel_data(evaluation())
    assert data is not None
    rows = {r["trader"]: r for r in made.desk_rows() if r["regime"] == "all" and r["status"] != "WITHHOLD"}
    assert {p.trader: (p.n_eff, p.raw) for p in data.points} == {t: (r["n_eff"], r["raw_ir"]) for t, r in rows.items()}
    outside = sum(abs(r["raw_ir"]) > luck_edge(r["n_eff"]) for r in rows.values())
    assert data.title.startswith(f"{outside or 'None'} of 7 raw records lie") or data.title.startswith("1 of 7 raw records lies")
    marks = [
        (float(x.get_xdata()[0]), float(x.get_ydata()[0])) for x in evaluation().plot_funnel().lines if x.get_markersize() == 7.5
    ]
    assert sorted(marks) == sorted((p.n_eff, p.raw) for p in data.points)


@pytest.mark.parametrize("name", ["crossed_total", "day_pooled", "population"])
def test_the_ends_of_a_prior_are_those_of_its_draws(name: str) -> None:
    spec, rng, n = read_spec(name), np.random.default_rng(3), 2_000_000
    prior = spec.priors
    skill = rng.normal(prior["skill_mean"].mu or 0.0, prior["skill_mean"].sigma, n)
    for term in spec.skill.terms:
        scale = np.abs(rng.normal(0, prior["skill_sd_" + term.replace(":", "_")].sigma, n))
        if term == "trader" and spec.skill.population == "two_scale":
            scale *= np.where(rng.random(n) < rng.random(n), 0.5, 2.0)
        skill += scale * rng.normal(size=n)
    found = prior_ends(spec)
    assert found is not None
    assert np.allclose(found, np.quantile(skill, [0.05, 0.95]), atol=0.006)


def test_a_prior_of_another_form_has_no_ends_and_a_changed_model_no_picture() -> None:
    assert prior_ends(read_spec("dynamic")) is None and prior_ends(read_spec("crossed_outcomes")) is None
    assert prior_data(made.sample()) is None, "the sample names another digest"
    data = prior_data(evaluation())
    assert data is not None and [r.label for r in data.rows[:2]] == ["any trader, before", "T1"]
    assert len(data.rows) == 1 + 7 + 2, "T8 is withheld; the desk's mean before and now"


def test_power_reaches_80_percent_at_the_printed_years_under_the_prior_they_came_from() -> None:
    given = {"n_eff": 2.4, "days": 1, "active": 250.0, "hurdle": 0.25, "certainty": 0.9}
    lines = [still_needed(ir, prior_sd=0.5, **given) for ir in (1.0, 2.0, 3.0)]
    data = needed_data(evaluation(desk={**made.desk(), "needed": lines}))
    assert data is not None and data.prior_sd == pytest.approx(0.5, rel=1e-6) and data.today == pytest.approx(63 / 252)
    for curve, line in zip(data.curves, lines, strict=True):
        years, power = (np.array(x) for x in zip(*curve.points, strict=True))
        assert np.all(np.diff(power) > -1e-12)
        assert np.interp(line["years"], years, power) == pytest.approx(0.8, abs=0.01)


def test_the_split_shows_the_parts_of_the_traders_of_the_evaluation_only() -> None:
    found = evaluation()
    found.attribution["factors"]["traders"].append({**found.attribution["factors"]["traders"][0], "trader": "stranger"})
    data = split_data(found)
    assert data is not None and "stranger" not in {s.name for s in data.stacks}
    widths = sorted(p.get_width() for p in found.plot_split().patches if p.get_height() < 0.9)  # without the stripes
    assert widths == sorted(x for s in data.stacks for x in s.parts)
    assert split_data(made.sample()) is None


def test_rates_and_means_are_those_of_the_kpis_and_day_errors() -> None:
    found = evaluation()
    data = rate_data(found)
    assert data is not None and [p.trader for p in data.points] == [f"T{k}" for k in range(1, 8)]
    assert {(p.rate, p.mean, p.q05, p.q95) for p in data.points} == {(0.24, 1066.7, -171.4, 2304.8)}
    marks = [(float(x.get_xdata()[0]), float(x.get_ydata()[0])) for x in found.plot_rate().lines if x.get_marker() in ("o", "D")]
    assert marks == [(p.rate, p.mean) for p in data.points]


def test_parts_add_up_to_the_ledgers_kpis(ledger: Ledger) -> None:
    data = parts_data(ledger)
    assert data is not None
    kpis = {(k["trader"] or "whole desk"): k["sum"] for k in ledger.kpis.to_pylist() if k["by"] in ("all", "trader")}
    assert {b.name: round(b.total * MICRO) for b in data.bars} == kpis
    for bar in data.bars:
        assert sum(round(x * MICRO) for x in bar.parts) == round(bar.total * MICRO)
    assert "whole desk" in texts(of(ledger).plot_parts(ledger))


def test_the_running_line_is_exact_and_its_band_is_what_reassignment_gives(ledger: Ledger) -> None:
    """The line against sums of the ledger's own rows, the band against three thousand permutations written out here."""
    data = running_data(ledger, "T1", seed=3)
    rows = ledger.rows.to_pandas().query("trader == 'T1' and status == 'CLOSED' and is_intervention")
    made = rows.groupby("session")["value_add"].sum() / MICRO
    assert data is not None and data.band is not None and data.wide is not None
    assert data.line == pytest.approx(np.cumsum([made.get(s, 0.0) for s in data.sessions]), rel=1e-12)
    u, _, _ = universe_of(prepare(ledger), "T1")
    day = np.searchsorted(data.sessions, u.sessions)[u.day]
    kept = np.array([made.get(s, 0.0) for s in data.sessions]) - np.bincount(day, u.tilt * u.money, minlength=len(data.sessions))
    cell, rng = risk_cells(u.day, u.side, u.asset_class, terciles(u.risk)), np.random.default_rng(7)
    paths = []
    for _ in range(3000):
        tilt = u.tilt.copy()
        for c in np.unique(cell):
            own = np.flatnonzero(cell == c)
            tilt[own] = tilt[rng.permutation(own)]
        paths.append(np.cumsum(kept + np.bincount(day, tilt * u.money, minlength=len(kept))))
    low, high = np.quantile(paths, [0.05, 0.95], axis=0)
    wide = high[-1] - low[-1]
    assert np.allclose(low, data.band[0], atol=0.08 * wide) and np.allclose(high, data.band[1], atol=0.08 * wide)
    left = np.mean(np.any((paths < np.array(data.wide[0])) | (paths > np.array(data.wide[1])), axis=1))
    assert 0.07 <= left <= 0.13, "one random record in ten leaves the wide band, Monte-Carlo error .011"
    axes = of(ledger).plot_running(ledger, "T1", seed=3)
    assert list(max(axes.lines, key=lambda x: (len(x.get_ydata()), x.get_linewidth())).get_ydata()) == list(data.line)


def test_a_picture_of_the_running_record_is_that_of_the_traders_page(ledger: Ledger) -> None:
    """Same seed, same numbers: the page's data are the envelope too."""
    made_here = running_data(ledger, "T2", seed=int(of(ledger).identity["seed"]))
    found = envelope(ledger, prepare(ledger), "T2", seed=int(of(ledger).identity["seed"]))
    assert made_here == running_of(found)
    axes = of(ledger).plot_running(ledger, "T2")
    assert made_here is not None and list(made_here.line) in [list(x.get_ydata()) for x in axes.lines]


def test_decay_is_the_ledgers_mean_over_the_same_decisions_with_errors_by_day(ledger: Ledger) -> None:
    assert ledger.decay is not None and ledger.decay_kpis is not None
    for trader in (None, "T2"):
        data = decay_data(ledger, trader)
        kpis = {k["horizon"]: k for k in ledger.decay_kpis.to_pylist() if k["trader"] == trader}
        assert data is not None and {p.horizon for p in data.points} == set(kpis)
        for p in data.points:
            assert (
                p.mean == pytest.approx(kpis[p.horizon]["mean_common"], rel=1e-9)
                and data.decisions == kpis[p.horizon]["n_common"]
            )
    data = decay_data(ledger)
    assert data is not None
    # two horizons: each at level 95%, two-sided; the error of the declared one by a plain loop over days
    first = next(p for p in data.points if p.primary)
    frame = ledger.decay.to_pandas()
    ok = set.intersection(*(set(g.loc[g["status"] == "CLOSED", "decision_id"]) - set(g.loc[g["status"] != "CLOSED", "decision_id"]) for _, g in frame.groupby("primary")))  # fmt: skip
    touched = set(ledger.rows.to_pandas().query("is_intervention")["decision_id"])
    decisions = ledger.decisions.to_pandas()
    decisions = decisions[decisions["decision_id"].isin(ok & touched)]
    centred = decisions["value_add"] / MICRO - first.mean
    sums = [centred[decisions["session"] == s].sum() for s in pd.unique(decisions["session"])]
    error = np.sqrt(len(sums) / (len(sums) - 1) * np.sum(np.square(sums))) / len(decisions)
    assert (first.high - first.mean) / 1.959964 == pytest.approx(error, rel=1e-6)
    dots = [float(x.get_ydata()[0]) for x in of(ledger).plot_decay(ledger).lines if x.get_markersize() == 7.5]
    assert dots == [p.mean for p in data.points]


@pytest.mark.parametrize("name", ["parts", "decay", "running"])
def test_another_ledger_is_refused(name: str, ledger: Ledger) -> None:
    more = ("T1",) if name == "running" else ()
    with pytest.raises(UsageError, match="the evaluation rests on none"):
        getattr(made.sample(), f"plot_{name}")(ledger, *more)

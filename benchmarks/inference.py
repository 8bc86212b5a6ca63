"""The two engines against each other and against the programs a careful user would take: same data, same model where the peer can say it.

``python -m benchmarks.inference [--small | --full] [--pairs N] [--only NAME ...]`` prints one Markdown table. Times are CPU seconds of a process with all its threads,
each run in a fresh process with pinned threads; compiling is a row of its own, never hidden in a total and never left out. Without a flag the
middle size runs. A peer that is not installed is a row that says so.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NamedTuple

from benchmarks.measure import Ratio, child, in_turn

Row = tuple[str, ...]
RUN: Final = "benchmarks.inference_runs"


class Size(NamedTuple):
    """How much is measured: rows of the large desk, pairs of runs, study fits, draws of the long runs, decisions and draws of the desk of 50."""

    rows: int
    pairs: int
    fits: int
    long: int
    decisions: int
    draws: int


SIZES: Final = {
    "small": Size(100_000, 2, 20, 2_000, 10_000, 200),
    "middle": Size(1_000_000, 3, 200, 10_000, 100_000, 500),
    "full": Size(1_000_000, 5, 1_000, 10_000, 100_000, 1_000),
}


def cells_against_rows(size: Size) -> Iterator[Row]:
    """One log likelihood on cells and on rows."""
    found = child(RUN, "likelihood", str(size.rows))
    if "failed" in found:
        yield ("cells against rows", "failed", found["failed"], "")
        return
    yield (
        f"log likelihood on cells against {size.rows:,} rows",
        "rows / cells, CPU",
        f"{found['ratio']:,.0f}",
        f"relative difference {found['difference']:.1e}; collapsing once costs {found['collapse']:,.0f} likelihoods on cells",
    )


def growth(size: Size) -> Iterator[Row]:
    """A fit of many decisions over a fit of few: same cells, so the same cost."""
    for engine in ("gibbs", "nuts"):
        pairs = in_turn([RUN, "grown", engine, "10000"], [RUN, "grown", engine, str(size.rows)], size.pairs)
        yield (
            f"Gaussian fit, {engine}, {size.rows:,} over 10,000 decisions",
            "CPU, without reading and collapsing",
            *_ratio(pairs, "fit"),
        )


def engines(size: Size) -> Iterator[Row]:
    """Effective draws per CPU second on the study's cells."""
    pairs = in_turn([RUN, "study", "gibbs", "3", "2500"], [RUN, "study", "nuts", "3", "1000"], size.pairs)
    bad = _failed(pairs)
    if bad:
        yield ("Gibbs against compiled nutpie", "failed", bad, "")
        return
    for name in ("tau", "ir", "least"):
        ratios = Ratio(tuple((a[f"ess_{name}"] / a["fit"]) / (b[f"ess_{name}"] / b["fit"]) for a, b in pairs))
        what = {"tau": "smallest ESS of a tau", "ir": "median ESS of an IR", "least": "smallest ESS of any parameter"}[name]
        first, second = pairs[0]
        note = f"{first[f'ess_{name}']:.0f} in {first['fit']:.2f} s, {second[f'ess_{name}']:.0f} in {second['fit']:.2f} s"
        yield ("Gibbs over compiled nutpie, per CPU second, same cells", what, str(ratios), note)
    first, second = pairs[0]
    yield (
        "Gibbs",
        "compiling, once ever and machine; then loading, once a process",
        f"{first['load']:.1f} s",
        "loading, from disk",
    )
    yield ("nutpie", "compiling, once a process and shape", f"{second['compile']:.0f} s", "")


def rebuilt(size: Size) -> Iterator[Row]:
    """A new data set with `pm.sample` as it comes."""
    pairs = in_turn([RUN, "study", "gibbs", "4", "2500"], [RUN, "plain", "4"], max(1, size.pairs // 2))
    yield ("`pm.sample` with the model rebuilt, over Gibbs", "CPU per new data set", *_ratio(pairs, "whole"))


def long_runs(size: Size) -> Iterator[Row]:
    """Shifts of what is reported between long runs."""
    found = child(RUN, "shifts", str(size.long))
    if "failed" in found:
        yield ("long runs of both engines", "failed", found["failed"], "")
        return
    lengths = f"Gibbs 4 x {size.long:,} draws, NUTS 4 x {size.long:,}; expected from Monte-Carlo error alone {found['error']:.3f}"
    yield ("long runs of both engines", "IR means, posterior sds, rms / max", f"{found['rms']:.3f} / {found['max']:.3f}", lengths)
    yield ("long runs of both engines", "5 and 95% points, posterior sds, max", f"{found['points']:.3f}", "")
    yield ("long runs of both engines", "P(IR > 0), max", f"{found['probability']:.3f}", "")


def studies(size: Size) -> Iterator[Row]:
    """Many fits on all cores."""
    found = child(RUN, "fits", str(size.fits), str(os.cpu_count() or 1))
    if "failed" in found:
        yield ("study fits", "failed", found["failed"], "")
        return
    note = (
        f"CPU {found['cpu']:.0f} s; {found['sweeps']:,} sweeps each; smallest ESS of a tau, median over fits {found['ess']:.0f}"
    )
    yield (f"{size.fits:,} study fits, {os.cpu_count()} workers", "wall", f"{found['wall']:.1f} s", note)


def desk_of_fifty(size: Size) -> Iterator[Row]:
    """M2 with 50 traders, 6 regimes, 250 sessions."""
    for engine in ("nuts", "gibbs"):
        found = child(RUN, "fifty", engine, str(size.decisions), str(size.draws))
        what = f"M2, {engine}: 50 traders x 6 regimes x 250 sessions, {size.decisions:,} decisions"
        if "failed" in found:
            yield (what, "failed", found["failed"], "")
            continue
        note = f"4 x {size.draws:,} draws, compiling {found['compile']:.0f} s apart; smallest ESS {found['ess']:.0f}, R-hat {found['rhat']:.3f}"
        yield (what, "CPU minutes", f"{found['fit'] / 60:.2f}", note)


def peers(size: Size) -> Iterator[Row]:
    """bambi, MixedLM and numpyro on the study's data, each with the nearest model it can say."""
    for name, package, note in (
        ("bambi", "bambi", "formula model on rows, rebuilt and compiled, its defaults"),
        ("mixedlm", "statsmodels", "REML on rows, crossed variance components; no posterior"),
        ("numpyro", "numpyro", "on cells, two chains"),
    ):
        if not _installed(package):
            yield (f"{package} over Gibbs", "CPU per new data set", "not installed", "")
            continue
        pairs = in_turn([RUN, "study", "gibbs", "5", "2500"], [RUN, name, "5"], max(1, size.pairs // 3))
        value, extra = _ratio(pairs, "whole")
        yield (f"{package} over Gibbs", "CPU per new data set", value, f"{note}; {extra}")


CASES: Final[dict[str, Callable[[Size], Iterator[Row]]]] = {
    "cells": cells_against_rows,
    "growth": growth,
    "engines": engines,
    "rebuilt": rebuilt,
    "long": long_runs,
    "studies": studies,
    "fifty": desk_of_fifty,
    "peers": peers,
}


def _failed(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    return next((str(run["failed"]) for pair in pairs for run in pair if "failed" in run), "")


def _ratio(pairs: list[tuple[dict[str, Any], dict[str, Any]]], name: str) -> tuple[str, str]:
    """Paired ratios of the second over the first, and the first pair in seconds."""
    bad = _failed(pairs)
    if bad:
        return "failed", bad
    ratios = Ratio(tuple(b[name] / a[name] for a, b in pairs))
    return str(ratios), f"{pairs[0][0][name]:.2f} s against {pairs[0][1][name]:.2f} s"


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def header(name: str, size: Size) -> str:
    """What was measured and on what; the load says whether others were using the machine."""
    packages = ", ".join(
        f"{n} {version(n)}" for n in ("numpy", "numba", "pymc", "nutpie", "bambi", "statsmodels") if _installed(n)
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Size {name}: {size.pairs} pairs, median (smallest-largest). Study desk: 2,000 decisions, 20 traders, 4 regimes, 250 sessions.\n"
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, load at the start {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, {packages}.\n"
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--small", action="store_true", help="a few minutes")
    which.add_argument("--full", action="store_true", help="1,000 study fits, 5 pairs")
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--pairs", type=int, help="pairs of runs; default: the size's")
    given = parser.parse_args(arguments)
    name = "small" if given.small else "full" if given.full else "middle"
    size = SIZES[name]._replace(**({"pairs": given.pairs} if given.pairs else {}))
    print(header(name, size))
    print("| what | measure | figure | note |\n|---|---|---|---|", flush=True)
    for case in given.only:
        for row in CASES[case](size):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""E-DIV: a few divergences that change nothing are a flag, everything else is withheld."""

import numpy as np
import pytest
import xarray as xr
from xarray import DataTree

from skillstats.inference.diagnose import Finding, sampler_findings
from skillstats.inference.tolerance import largest_move, tolerate_divergences


def run(shift=0.0, divergences=0, seed=1):
    """4 x 1,000 draws of mu and of three trader effects; the second effect is moved by `shift` posterior sds."""
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 0.05, (4, 1000, 3)) + np.array([0.0, 0.05 * shift, 0.0])
    diverging = np.zeros((4, 1000), dtype=bool)
    diverging.ravel()[:divergences] = True
    posterior = xr.Dataset({"mu": (("chain", "draw"), rng.normal(0, 0.02, (4, 1000))), "a": (("chain", "draw", "trader"), a)})
    stats = {"diverging": diverging, "energy": rng.normal(size=(4, 1000)), "depth": np.ones((4, 1000))}
    tree = DataTree.from_dict({"posterior": posterior, "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), diverging)})})
    return tree, sampler_findings(stats, 10)


@pytest.mark.parametrize(
    ("spec", "target", "divergences", "shift", "action"),
    [
        ("crossed_total", 0.99, 4, 0.0, "FLAG"),
        ("crossed_total", 0.99, 5, 0.0, "WITHHOLD"),  # over 0.1% of 4,000
        ("crossed_total", 0.99, 4, 0.5, "WITHHOLD"),  # the answer moved
        ("crossed_total", 0.95, 4, 0.0, "WITHHOLD"),  # not yet at .99
        ("dynamic", 0.99, 4, 0.0, "WITHHOLD"),  # not M1 to M3
    ],
)
def test_divergences_are_tolerated_only_where_they_change_nothing(spec, target, divergences, shift, action):
    first, _ = run()
    again, findings = run(shift, divergences, seed=2)
    kept = tolerate_divergences(findings, spec, target, first, again)
    assert [f.action for f in kept if f.code == "E-DIV"] == [action]


def test_other_findings_pass_unchanged():
    first, _ = run()
    again, _ = run(seed=2)
    other = [Finding("E-CONV", "WITHHOLD", "", "mu", 1.04, 1.01, "mu: R-hat 1.040")]
    assert tolerate_divergences(other, "crossed_total", 0.99, first, again) == other


def test_the_largest_move_is_in_posterior_sds():
    first, _ = run()
    again, _ = run(shift=2.0)
    assert largest_move(first, again) == pytest.approx(2.0, rel=0.05)

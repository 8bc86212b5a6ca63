"""Specifications: what is refused and how, and what the digest depends on."""

import subprocess
import sys
from pathlib import Path

import pytest

from skillstats.errors import UsageError
from skillstats.spec import describe, list_specs, parse_spec, read_spec
from skillstats.spec.model import canonical_spec
from skillstats.spec.read import models_folder

TEXT = (models_folder() / "day_pooled.toml").read_text()


def refused(text):
    with pytest.raises(UsageError) as caught:
        parse_spec(text.encode(), source="mine.toml")
    return str(caught.value)


def test_shipped_specifications_are_listed_and_read():
    assert list_specs() == (
        "crossed_outcomes",
        "crossed_selection",
        "crossed_total",
        "day_pooled",
        "dynamic",
        "heavy_scale",
        "hybrid_timing",
        "population",
        "population_spike",
        "population_t",
        "propensity",
    )
    assert all(read_spec(name).name == name for name in list_specs())


def test_digests_file_is_in_step():
    lines = (models_folder() / "DIGESTS").read_text().splitlines()
    assert lines == [f"{name} {read_spec(name).digest}" for name in list_specs()], (
        "a shipped model changed: new name or a changelog line"
    )


def test_unknown_key_is_an_error():
    assert "trader_sesion_scale" in refused(TEXT.replace("trader_session_scale", "trader_sesion_scale"))
    assert "sampler" in refused(TEXT + "\n[sampler]\nthin = 2\n")


@pytest.mark.parametrize(
    ("old", "new", "listed"),
    [
        ('terms = ["trader"]', 'terms = ["trader", "floor"]', "trader, regime, trader:regime, action"),
        ('tails = "normal"', 'tails = "cauchy"', "valid: normal, student_t"),
        ('tails = "normal"', 'tails = "logistic"', "not in the family outcomes; valid: normal, student_t"),
        ("schema = 1", 'schema = 1\nfamily = "outcome"', "valid: outcomes, day_parts, choices"),
        ("schema = 1", 'schema = 1\nfamily = "day_parts"', "not in the family day_parts; valid: lkj_normal"),
        ('trader_session_scale = "common"', 'trader_session_scale = "shared"', "common, by_trader"),
        ('target = "total"', 'target = "timing"', "valid: total, selection, parts, discrimination"),
        ('unit = "annual_ir"', 'unit = "usd"', "annual_ir, decision_ir, decision_sd, log_decision_sd"),
        ('distribution = "half_normal"', 'distribution = "half_cauchy"', "normal, half_normal, zero_sum_normal"),
    ],
)
def test_unknown_word_lists_the_valid_ones(old, new, listed):
    assert old in TEXT
    assert listed in refused(TEXT.replace(old, new))


def test_all_problems_are_reported_together():
    message = refused(TEXT.replace('["trader"]', '["floor"]').replace('tails = "normal"', 'tails = "cauchy"'))
    assert "skill.terms" in message
    assert "luck.tails" in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[priors.session_sd]", "[priors.desk_sd]", "priors.session_sd is missing"),
        ('trader_session_scale = "common"\n', "", "luck.trader_session_scale is missing"),
        ("sigma = 0.5", "sigma = -0.5", "priors"),
        ("sigma = 0.5", "sigma = nan", "priors"),
        ("sigma = 0.5", "sigma = inf", "priors"),
        ("chains = 4", "chains = 1", "chains"),
        ("mu = 0.0\n", "", "priors.skill_mean.mu"),
        ('terms = ["trader"]', 'terms = ["trader", "trader"]', "stands twice"),
        ('terms = ["trader"]', 'terms = ["trader:regime"]', "needs both"),
        ('target = "total"', 'target = "selection"', "needs the shock session:exposure"),
        ('shocks = ["session", ', 'shocks = ["session", "session:exposure", ', "luck.exposure_level is missing"),
        (
            "volatility_by = []",
            'volatility_by = []\nexposure_level = "decision"',
            "has no use without the shock session:exposure",
        ),
        ('terms = ["trader"]\npopulation = "normal"', 'terms = ["regime"]\npopulation = "two_scale"', "a population of traders"),
        ('population = "normal"', 'population = "two_scale"', "priors.population_share is missing"),
        ('population = "normal"', 'population = "normal"\nslopes = ["sizing"]', "priors.skill_sd_kappa is missing"),
        ('population = "normal"', 'population = "normal"\ndrift = "quarter"', "priors.drift_persistence is missing"),
        ('population = "normal"', 'population = "normal"\ndrift = "month"', "valid: quarter"),
    ],
)
def test_structure_that_cannot_be_built_is_refused(old, new, said):
    assert old in TEXT
    assert said in refused(TEXT.replace(old, new))


def test_digest_ignores_comments_and_order_and_sees_numbers():
    head, *sections = TEXT.split("\n[")
    shuffled = "\n[".join([head, *reversed(sections)]) + "\n# a remark\n"
    assert parse_spec(shuffled.encode()).digest == read_spec("day_pooled").digest
    words = TEXT.replace('["session", "trader:session"]', '["trader:session", "session"]')
    assert parse_spec(words.encode()).digest == read_spec("day_pooled").digest
    assert parse_spec(TEXT.replace("mu = -0.25", "mu = -0.2500001").encode()).digest != read_spec("day_pooled").digest


def test_keys_that_came_later_leave_no_trace_where_unused():
    """The digest of a model without slopes, drift or exposures is over the keys of the first version."""
    assert b"slopes" not in canonical_spec(read_spec("day_pooled"))
    assert b'"drift":"quarter"' in canonical_spec(read_spec("dynamic"))


def test_files_that_are_no_specification(tmp_path):
    assert "not a TOML file" in refused("schema = ")
    assert "65536" in refused("#" * 65_537)
    with pytest.raises(UsageError, match="shipped: crossed_outcomes"):
        read_spec("crossed_totall")
    with pytest.raises(UsageError, match="cannot be read"):
        read_spec(tmp_path / "none.toml")
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    assert read_spec(path).digest == read_spec("day_pooled").digest


@pytest.mark.parametrize("name", list_specs())
def test_description_names_every_prior_with_its_unit(name):
    spec, text = read_spec(name), describe(read_spec(name))
    assert spec.digest in text
    for prior, stated in spec.priors.items():
        assert any(prior in line.split() and f"[{stated.unit}]" in line for line in text.splitlines()), prior


def test_description_of_the_baseline():
    lines = describe(read_spec("day_pooled")).splitlines()
    assert lines[3] == "  y_i = mu + a_j + V_s + U_js + e_i"
    assert "  U_js ~ Normal(0, s_U)" in lines


def test_reading_imports_no_pymc():
    code = "import sys; import skillstats.spec as s; s.describe(s.read_spec('crossed_total')); print({'pymc', 'pytensor', 'arviz'} & set(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "set()"

"""Shipped calibration evidence belongs to the models as they are."""

import json
from pathlib import Path

import msgspec
import pytest

from skillstats.spec import list_specs, read_spec
from skillstats.study.fingerprint import fingerprint
from skillstats.study.results import markdown, stale
from skillstats.study.worlds import has_world

DOCS = Path(__file__).resolve().parents[2] / "docs"
EVIDENCE = DOCS / "models" / "evidence"


AWAITED = frozenset({"crossed_selection", "dynamic", "heavy_scale", "population", "population_spike", "population_t"})
"""Models whose ranks have not been run yet. The list only gets shorter: evidence for one of them fails until it is taken out."""
WITHOUT_WORLDS = frozenset({"hybrid_timing", "propensity"})


@pytest.mark.parametrize("model", sorted(set(list_specs()) - AWAITED - WITHOUT_WORLDS))
def test_every_model_ships_evidence_that_is_not_stale(model):
    path, command = EVIDENCE / f"{model}.json", f"run: skillstats calibrate {model} --part sbc --out calibration --docs docs"
    assert path.is_file(), command
    evidence = json.loads(path.read_text(encoding="utf-8"))
    assert stale(evidence, read_spec(model)) == "", command
    assert not evidence["defects"]
    assert (DOCS / "_static" / f"sbc_{model}.svg").is_file()


@pytest.mark.parametrize("model", sorted(AWAITED | WITHOUT_WORLDS))
def test_a_model_without_evidence_says_so_on_its_page(model):
    assert not (EVIDENCE / f"{model}.json").exists(), "there is evidence now: take the model out of the list"
    assert has_world(read_spec(model)) == (model in AWAITED)
    pages = [DOCS / "models.md", *(DOCS / "models").glob("*.md")]
    assert any(f"{{from-code}} evidence {model}\n" in page.read_text(encoding="utf-8") for page in pages), model


@pytest.mark.parametrize("path", sorted(EVIDENCE.glob("*.json")), ids=lambda p: p.stem)
def test_no_evidence_is_shipped_for_a_model_that_is_not(path):
    assert path.stem in list_specs()
    assert path.stem in markdown(json.loads(path.read_text(encoding="utf-8")))


def test_evidence_goes_stale_with_a_prior_and_with_the_density(monkeypatch):
    spec = read_spec("day_pooled")
    evidence = {"schema": 1, "spec": spec.digest, "engine": "nuts", "mathematics": fingerprint(spec, "nuts")}
    assert stale(evidence, spec) == ""
    wider = {**spec.priors, "session_sd": msgspec.structs.replace(spec.priors["session_sd"], sigma=0.6)}
    assert "specification" in stale(evidence, msgspec.structs.replace(spec, priors=wider))

    from skillstats.components import luck
    from skillstats.study import fingerprint as module

    # the density changes while the specification does not: s_V doubled where the model reads it
    whole = luck.session
    monkeypatch.setattr(module, "_KNOWN", {})
    monkeypatch.setitem(
        __import__("skillstats.inference.build", fromlist=["REGISTRY"]).REGISTRY["luck.shocks"],
        "session",
        lambda draw: 2 * whole(draw),
    )
    assert "density" in stale(evidence, spec)

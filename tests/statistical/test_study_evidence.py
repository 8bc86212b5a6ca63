"""Shipped calibration evidence belongs to the models as they are."""

import json
from pathlib import Path

import msgspec
import pytest

from skillstats.spec import list_specs, read_spec
from skillstats.study.calibration import evidence_names
from skillstats.study.engines import default_engine
from skillstats.study.fingerprint import fingerprint
from skillstats.study.results import markdown, stale
from skillstats.study.worlds import WORLDS

DOCS = Path(__file__).resolve().parents[2] / "docs"
EVIDENCE = DOCS / "models" / "evidence"


def check(model, name, engine):
    """The evidence called `name` is there, belongs to the model as it is, was made by `engine` and found no defect."""
    path = EVIDENCE / f"{name}.json"
    command = f"run: skillstats calibrate {model} --release --engine {engine} --part sbc --out calibration --docs docs"
    assert path.is_file(), command
    evidence = json.loads(path.read_text(encoding="utf-8"))
    assert (evidence["model"], evidence["engine"]) == (model, engine)
    assert stale(evidence, read_spec(model)) == "", command
    assert not evidence["defects"]
    assert (DOCS / "_static" / f"sbc_{name}.svg").is_file()


@pytest.mark.parametrize("model", sorted(list_specs()))
def test_every_model_ships_evidence_that_is_not_stale(model):
    check(model, model, default_engine(read_spec(model)))


@pytest.mark.parametrize("name", sorted(p.stem for p in EVIDENCE.glob("*_nuts.json")))
def test_evidence_of_the_second_engine_is_not_stale(name):
    model = name.removesuffix("_nuts")
    assert default_engine(read_spec(model)) == "gibbs", "NUTS is this model's own engine; its evidence has the model's name"
    check(model, name, "nuts")


@pytest.mark.parametrize("model", sorted(list_specs()))
def test_the_evidence_of_every_model_stands_on_its_page(model):
    pages = [DOCS / "models.md", *(DOCS / "models").glob("*.md")]
    assert any(f"{{from-code}} evidence {model}\n" in page.read_text(encoding="utf-8") for page in pages), model


@pytest.mark.parametrize("path", sorted(EVIDENCE.glob("*.json")), ids=lambda p: p.stem)
def test_no_evidence_is_shipped_for_a_model_or_an_engine_that_is_not(path):
    evidence = json.loads(path.read_text(encoding="utf-8"))
    assert evidence["model"] in list_specs() and path.stem in evidence_names(evidence["model"])
    assert f"`{evidence['model']}`" in markdown(evidence) and f"`{evidence['engine']}`" in markdown(evidence)


def test_every_family_of_a_shipped_model_has_worlds():
    assert {read_spec(m).family for m in list_specs()} <= set(WORLDS)


@pytest.mark.parametrize("model", ["hybrid_timing", "propensity"])
def test_evidence_of_every_family_goes_stale_with_a_prior(model):
    spec = read_spec(model)
    evidence = {"schema": 1, "spec": spec.digest, "engine": "nuts", "mathematics": fingerprint(spec, "nuts")}
    assert stale(evidence, spec) == ""
    slot = next(k for k, p in spec.priors.items() if p.distribution == "half_normal")
    wider = {**spec.priors, slot: msgspec.structs.replace(spec.priors[slot], sigma=2 * spec.priors[slot].sigma)}
    other = msgspec.structs.replace(spec, priors=wider)
    assert "specification" in stale(evidence, other)
    assert "density" in stale(evidence | {"spec": other.digest}, other)


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

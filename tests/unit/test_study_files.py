"""Study files: every problem at once; metrics against hand counts; the same digest however a study is run."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from skillstats.errors import UsageError
from skillstats.study.planned import metrics as m
from skillstats.study.planned.equal_power import false_at_power
from skillstats.study.planned.file import read_study
from skillstats.study.planned.listing import schema_text
from skillstats.study.planned.needed import needed_table
from skillstats.study.planned.resample import draw_weights, error_of, ratio
from skillstats.study.planned.run import compute_study, tasks_of
from skillstats.study.planned.structs import EstimatorEntry, Study, WorldEntry
from skillstats.study.planned.tables import metric_table
from skillstats.study.planned.work import Payload, ask, desk_of, run_desk
from skillstats.study.running.tasks import seed_of

SMALL = """
name = "small"
seed = 5
replications = 6
[base]
traders = 4
sessions = 40
directional = []
population = { kind = "normal", sd = 2.0 }
[[worlds]]
name = "plain"
[[worlds]]
name = "cells"
judge = "cell"
estimators = ["day_t"]
[[designs]]
name = "short"
[[designs]]
name = "long"
world = { sessions = 80 }
[[estimators]]
name = "day_t"
[[estimators]]
name = "shrunk"
kind = "reml"
[[precision]]
metric = "coverage"
error = 0.01
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "study.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_every_problem_of_a_file_is_told_at_once_with_place_and_remedy(file):
    text = (
        SMALL.replace("seed = 5", "sed = 5")
        .replace('kind = "reml"', 'kind = "reml"\nprior_sd = -1.0')
        .replace('judge = "cell"', 'judge = "desk"')
    )
    with pytest.raises(UsageError) as told:
        read_study(file(text + "[[designs]]\nworld = 3\n"))
    lines = str(told.value).splitlines()
    assert len(lines) == 5
    for words in (
        "unknown key 'sed'; did you mean 'seed'?",
        "worlds[cells].judge = 'desk'",
        "estimators[shrunk].prior_sd = '-1.0'",
        "designs[3].name is missing",
        "designs[3].world = '3'",
    ):
        assert any(words in line for line in lines), (words, lines)


def test_names_worlds_and_words_are_checked_together(file):
    text = (
        SMALL.replace('kind = "reml"', 'kind = "remel"')
        .replace('metric = "coverage"', 'metric = "cover"')
        .replace('estimators = ["day_t"]', 'estimators = ["day"]\n[worlds.world]\nsessions = 0')
        .replace("sessions = 80", "sesions = 80")
    )
    with pytest.raises(UsageError) as told:
        read_study(file(text))
    found = str(told.value)
    for words in (
        "did you mean 'reml'?",
        "did you mean 'coverage'?",
        "worlds[cells].estimators names 'day'",
        "worlds[cells].world.sessions = 0",
        "designs[long].world.sesions",
    ):
        assert words in found, found


def test_models_that_cannot_answer_are_refused(file):
    entry = '[[estimators]]\nname = "ours"\nkind = "catalogue"\n'
    for more, words in (
        ('model = "crossed"', "did you mean"),
        ('model = "propensity"', "has no skill per decision"),
        ('model = "heavy_scale"', 'give engine = "nuts"'),
    ):
        with pytest.raises(UsageError, match=words):
            read_study(file(SMALL + entry + more))


def test_worlds_designs_and_estimators_multiply_where_nothing_is_chosen(file):
    study = read_study(file(SMALL))
    tasks = tasks_of(study)
    assert len(tasks) == 2 * 2 * 6
    told = [msgspec.json.decode(t.payload, type=Payload) for t in tasks]
    assert {(len(t.estimators), t.world.sessions) for t in told} == {(2, 40), (2, 80), (1, 40), (1, 80)}


def test_the_listing_names_every_key_estimator_and_metric():
    text = schema_text()
    for name in (
        *Study.__struct_fields__,
        *(f"worlds.{k}" for k in WorldEntry.__struct_fields__),
        *(f"estimators.{k}" for k in EstimatorEntry.__struct_fields__),
    ):
        assert f"\n{name} (" in f"\n{text}", name
    assert all(f"    {word} " in text for word in m.METRICS)


def _cell(rows, weights=None):
    frame = pd.DataFrame({"failed": "", "claim": False, "decision": "cap", "rank": -1, **rows})
    desk = np.arange(len(frame)) // 2
    return m.Cell(
        frame, desk, draw_weights(len(frame) // 2, 1) if weights is None else weights, hurdle=0.25, skilled=0.5, found=0.5
    )


def test_metrics_are_the_counts_one_makes_by_hand():
    cell = _cell(
        {
            "estimate": [0.1, 0.3, 0.0, 0.2], "theta": [0.0, 0.1, 0.1, 0.2], "ir": [0.0, 1.0, 1.0, 2.0],
            "low90": [0.05, 0.0, -0.1, 0.1], "high90": [0.2, 0.4, 0.05, 0.3], "score": [2.0, 3.0, 1.0, 4.0],
            "claim": [True, True, False, True], "decision": ["keep", "keep", "revoke", "cap"], "sd": [0.1] * 4, "luck": [0.0] * 4,
            "forward": [0.1, 0.3, 0.0, 0.2],
        }
    )  # fmt: skip
    assert m.bias(cell)[0] == pytest.approx(0.05)
    assert m.rmse(cell)[0] == pytest.approx(np.sqrt((0.01 + 0.04 + 0.01) / 4))
    assert m.coverage(cell)[0] == pytest.approx(0.5)
    assert m.false_promote(cell)[0] == pytest.approx(1.0)
    assert m.missed_skill(cell)[0] == pytest.approx(1 / 3)
    assert m.equal_power(cell)[0] == pytest.approx(0.0)
    assert m.type_s(cell)[0] == pytest.approx(1 / 3)
    assert m.type_m(cell)[0] == pytest.approx(0.5 / 0.3)
    assert m.log_score(cell)[0] == pytest.approx(-0.5 * np.log(2 * np.pi * 0.01))
    # kept at IR 0 loses .25; kept at 1 is right; revoked at 1 loses .75; capped at 2 loses 1.75 - .9375
    assert m.regret(cell)[0] == pytest.approx((0.25 + 0.0 + 0.75 + 0.8125) / 4)


def test_a_failed_fit_stays_in_the_denominators():
    cell = _cell(
        {
            "estimate": [np.nan, 0.1],
            "theta": [0.1, 0.1],
            "ir": [1.0, 1.0],
            "low90": [np.nan, 0.0],
            "high90": [np.nan, 0.2],
            "failed": ["E", ""],
        }
    )
    assert m.coverage(cell)[0] == pytest.approx(0.5)
    assert m.missed_skill(cell)[0] == pytest.approx(1.0)
    assert m.failures(cell)[0] == pytest.approx(0.5)


def test_a_resampled_error_is_the_standard_error_of_a_mean():
    rng = np.random.default_rng(2)
    values = rng.standard_normal(400)
    found = error_of(ratio(draw_weights(400, 3), np.arange(400), values, np.ones(400)))
    assert found == pytest.approx(values.std(ddof=1) / 20, rel=0.12)  # an error of 3.5%: three of them


def test_equal_power_does_not_see_how_strict_a_method_is():
    rng = np.random.default_rng(4)
    score, skilled = rng.standard_normal(1000), rng.random(1000) < 0.3
    weights, desk = np.ones((1, 10)), np.arange(1000) // 100
    one = false_at_power(weights, desk, score, skilled, ~skilled, 0.5)
    two = false_at_power(weights, desk, np.exp(score) - 7, skilled, ~skilled, 0.5)
    bar = np.sort(score[skilled])[::-1][int(np.ceil(0.5 * skilled.sum())) - 1]
    assert one[0] == two[0] == pytest.approx(np.mean(score[~skilled] >= bar))


def test_decisions_needed_are_read_off_a_power_curve():
    """Powers of the closed form at IR .10, prior sd .10: the line through 428 and 593 decisions meets 80% at 504."""
    from skillstats.luck.power import power_of

    n = np.array([428.0, 593.0])
    power = [power_of(k, ir=0.10, hurdle=0.0, prior_sd=0.10, certainty=0.90) for k in n]
    curve = pd.DataFrame({"world": "w", "design": ["a", "b"], "estimator": "e", "decisions": n, "power": power, "error": 0.01})
    found = needed_table(curve, 0.80).iloc[0]
    assert found["decisions"] == pytest.approx(504, abs=1)
    assert 5 < found["error"] < 40


def test_one_task_is_one_desk_and_another_estimator_changes_no_answer(file):
    study = read_study(file(SMALL))
    task = tasks_of(study)[0]
    seed = seed_of(study.seed, task.study, task.design, task.replicate)
    rows = run_desk(task.payload, seed)
    told = msgspec.json.decode(task.payload, type=Payload)
    alone = msgspec.json.encode(msgspec.structs.replace(told, estimators=told.estimators[1:]))
    pd.testing.assert_frame_equal(run_desk(alone, seed), rows[rows["estimator"] == "shrunk"].reset_index(drop=True))


def test_an_estimator_that_fails_keeps_its_rows(file, monkeypatch):
    from skillstats.study.planned import work

    study = read_study(file(SMALL))
    task = tasks_of(study)[0]
    told = msgspec.json.decode(task.payload, type=Payload)
    known = desk_of(told, seed_of(study.seed, task.study, task.design, 0))

    def broken(*_args, **_options):
        class Broken:
            @staticmethod
            def method(*_a, **_k):
                raise np.linalg.LinAlgError("singular")

        return Broken

    monkeypatch.setattr(work, "make_estimator", broken)
    rows = ask(told.estimators[0], known, 1, work.Rules())
    assert len(rows) == len(known.truth) and (rows["failed"] == "LinAlgError: singular").all()
    assert not rows["claim"].any() and (rows["decision"] == "cap").all()


@pytest.mark.slow
def test_a_study_has_one_digest_for_any_number_of_workers(file, tmp_path):
    path = file(SMALL)
    one = compute_study(path, tmp_path / "one", measure=False, say=lambda _: None)
    two = compute_study(path, tmp_path / "two", engine="processes", workers=2, measure=False, say=lambda _: None)
    assert one.digest == two.digest
    assert len(one.metrics[["world", "design", "estimator"]].drop_duplicates()) == 6
    again = metric_table(one.study, one.rows)
    pd.testing.assert_frame_equal(again, one.metrics)
    wanted = one.metrics[(one.metrics["metric"] == "coverage") & one.metrics["error"].gt(0)].iloc[0]
    assert wanted["needed"] == np.ceil(6 * (wanted["error"] / 0.01) ** 2)

"""What is withheld of a person is withheld under every name."""

from skillstats.evaluation.block_boundary import policies_of_shown


def policy(trader):
    return {
        "key": f"without:{trader}" if trader else "practice",
        "trader": trader,
        "total": {"quarter": 5.0},
        "gain": {"p_above": 0.97},
    }


def blocks():
    actions = [{"key": "without:T1", "trader": "T1"}, {"key": "without:T2", "trader": "T2"}, {"key": "veto:x", "trader": ""}]
    return {
        "policies": {"available": True, "policies": [policy(t) for t in ("", "T1", "T2")], "actions": actions},
        "risk": {"a": 1},
    }


def rows(**status):
    cells = [{"trader": "T2", "regime": "calm", "status": "WITHHOLD"}]  # a withheld cell is not a withheld trader
    return [{"trader": t, "regime": "all", "status": s} for t, s in status.items()] + cells


def test_the_gain_of_a_withheld_trader_is_in_no_policy_and_no_action():
    made = policies_of_shown(blocks(), rows(T1="WITHHOLD", T2="FLAG"))
    assert made["risk"] == {"a": 1}
    nobody, first, second = made["policies"]["policies"]
    assert first["gain"] is None and first["withheld"] and first["total"] == {"quarter": 5.0}
    assert nobody["gain"] and second["gain"] and not second["withheld"]
    assert [a["trader"] for a in made["policies"]["actions"]] == ["T2", ""]


def test_a_withheld_fit_leaves_no_gain_of_anybody():
    made = policies_of_shown(blocks(), rows(T1="WITHHOLD", T2="WITHHOLD"))
    assert [p["gain"] is None for p in made["policies"]["policies"]] == [False, True, True]
    assert [a["trader"] for a in made["policies"]["actions"]] == [""]


def test_what_was_not_answered_stays_as_it_is():
    assert policies_of_shown({"policies": {"available": False, "why": "w"}}, rows(T1="WITHHOLD")) == {
        "policies": {"available": False, "why": "w"}
    }
    assert policies_of_shown({}, []) == {}

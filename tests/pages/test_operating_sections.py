"""The sections on error rates, length of record and priors: what is printed is what was simulated, withheld people are in none of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample as made
from test_head_page import Page, head

from skillstats.report.lengths import OF_A_DESK, OF_ONE_TRADER
from skillstats.report.operating import error_sections, operating_sections
from skillstats.report.rows import overall_rows
from skillstats.report.words import scale_of

DELTA = [0.05 * k for k in range(41)]


def share(value: float, **changes: Any) -> dict[str, Any]:
    return {"share": value, "q05": max(0.0, value - 0.05), "q95": min(1.0, value + 0.06), "error": 0.03, "desks": 40} | changes


def rates(*values: float) -> dict[str, Any]:
    return dict(zip(("desk_skill", "trader_skill", "desk_harm", "trader_harm"), map(share, values), strict=True))


def found(ir: float, skill: float, later: float | None) -> dict[str, Any]:
    each = None if later is None else share(later)
    return {
        "ir": ir, "skill": share(skill), "harm": share(skill + 0.05), "skill_every_quarter": each, "harm_every_quarter": each,
        "innocent_skill": share(0.03), "innocent_harm": share(0.04),
    }  # fmt: skip


def operating(**changes: Any) -> dict[str, Any]:
    points = [
        {"years": y, "later": y > 1} | share(s)
        for y, s in ((0.25, 0.0), (0.5, 0.1), (0.75, 0.2), (1.0, 0.31), (2.0, 0.85), (4.0, 1.0))
    ]
    slow = [p | share(0.1 * p["years"]) for p in points]
    return {
        "available": True, "model": "crossed_total", "own_model": True, "digest": "ab" * 32, "annual": True, "hurdle": 0.25, "certainty": 0.9,
        "shape": {"traders": 8, "sessions": 252, "decisions": 14124, "years": 1.0}, "luck": {"session": 0.21, "own": 0.33, "residual": 0.97},
        "desks": {"none": 40, "skilled": 8}, "quarters": 4, "draws": 220, "seed": 1, "known": 1.0,
        "once": rates(0.031, 0.004, 0.15, 0.04), "every_quarter": rates(0.074, 0.01, 0.23, 0.06),
        "found": [found(1.0, 0.11, 0.13), found(2.0, 0.42, 0.47), found(3.0, 0.84, 0.86)],
        "power": [{"ir": 1.0, "points": slow}, {"ir": 2.0, "points": points}, {"ir": 3.0, "points": points}],
    } | changes  # fmt: skip


def curves(at_hurdle: dict[str, float]) -> dict[str, Any]:
    priors = [
        {"name": n, "scale": 1.0, "k": 0.3, "refitted": n == "wide", "above": [max(0.0, p + 0.02 * (5 - i)) for i in range(41)]}
        for n, p in at_hurdle.items()
    ]
    return {"delta": DELTA, "priors": priors}


def with_curves(row: dict[str, Any]) -> dict[str, Any]:
    if row["regime"] != "all" or row["detail"] is None:
        return row
    p = row["p_above_hurdle"]
    return row | {"detail": row["detail"] | {"hurdles": curves({"sceptical": p - 0.08, "default": p, "wide": p + 0.02})}}


def desk(**changes: Any) -> Any:
    return made.sample([with_curves(r) for r in made.desk_rows()], operating=operating(**changes))


def test_the_page_states_false_claims_and_missed_skill_once_and_every_quarter():
    page = head(desk())
    text = " ".join("".join(Page(page).text).split())
    assert "on 3% (0 to 9%) of such desks" in text
    assert "errs more often: 7% (2 to 13%) of desks" in text
    assert "16% (10 to 21%) of traders of annual IR 3, 58% (52 to 63%)" in text
    assert "Nobody skilled, yet somebody is claimed: 3% of desks, 7% if acted on at the first claim of any quarter" in text
    assert "15.0% [10.0, 21.0]" in text  # the table has what the sentence leaves out: harm


def test_the_length_of_a_record_is_read_from_the_simulated_points():
    wrong, length = error_sections(operating(), scale_of(desk()))
    assert wrong is not None and length is not None
    assert length.finding.split(". ") == [
        "Four of five traders of IR 3 are found within 2 years",
        "Four of five traders of IR 2 are found within 2 years",
        "Fewer than four of five traders of IR 1 are found even in 4 years",
        OF_A_DESK,
    ]
    assert length.picture is not None and length.picture.title.startswith("After 1 year, 31% of traders of annual IR 3 are found")
    assert "IR 2: 3 months &lt;1%, 6 months 10%" in length.picture.wide and "today: 1 year" in length.picture.wide


def test_who_is_withheld_is_in_no_curve_and_who_is_flagged_is_marked():
    evaluation = desk()
    *_, section = operating_sections({}, overall_rows(evaluation), scale_of(evaluation))
    assert section.key == "priors" and section.picture is not None
    for part in (section.picture.wide, section.picture.narrow):
        assert ">T8" not in part and "T8 " not in part
        assert "T2, FLAG" in part and "T1, FLAG" not in part
    assert section.finding.startswith(
        "Nobody clears the hurdle with 90% certainty under all three priors; for T1, T2 and T3 the answer"
    )
    table = {line[0]: line[1:] for line in section.tables[0][0].lines}
    assert "T8" not in table and table["T1"] == ("89%", "97%", ">99%", "wide prior")


def test_a_withheld_evaluation_shows_none_of_it():
    page = head(made.sample([with_curves(r) for r in made.desk_rows()], operating=operating(), status="WITHHOLD"))
    assert "h-wrong" not in page and "h-priors" not in page and "h-length" not in page


def test_where_nothing_was_simulated_the_page_says_why_and_an_older_evaluation_says_nothing():
    page = head(made.sample(operating={"available": False, "why": "none were asked for (--operating 0)"}))
    assert "were not simulated: none were asked for (--operating 0)." in page
    assert "h-wrong" not in head(made.sample())


@pytest.mark.parametrize("changes", [{"own_model": False}, {"known": 0.75}])
def test_what_qualifies_the_figures_is_said(changes):
    wrong, _ = error_sections(operating(**changes), scale_of(desk()))
    assert wrong is not None
    said = {"own_model": "too slow to simulate", "known": "25% of the traders have too little evidence"}
    for key, words in said.items():
        assert (words in wrong.finding) == (key in changes)


def test_one_quarter_is_looked_at_once_and_no_year_has_no_length():
    one = operating(every_quarter=None, quarters=1, found=[found(3.0, 0.2, None)])
    wrong, _ = error_sections(one, scale_of(desk()))
    assert wrong is not None and wrong.picture is not None
    assert "each quarter" not in wrong.picture.wide and "at the first claim" not in wrong.picture.title
    flat = operating(annual=False, every_quarter=None)
    flat["shape"] = flat["shape"] | {"years": None}
    wrong, length = error_sections(flat, scale_of(desk()))
    assert length is None and wrong is not None and "IR per decision 3" in wrong.finding


def test_hostile_names_stay_text_in_the_curves():
    rows = [with_curves(r) for r in made.hostile_rows()]
    page = head(made.sample(rows, operating=operating(model="<img src=x>", own_model=False)))
    assert "<script>alert" not in page and "<img" not in page


def test_two_figures_about_length_each_say_which_question_they_answer():
    """The simulated desk and the formula of the prior differ by much; each names the other where both are on the page."""
    needed = {"needed": [{"ir": 3.0, "decisions": 900.0, "days": 600, "years": 3.1}]}
    both, alone = (head(made.sample(desk=needed, **more)) for more in ({"operating": operating()}, {}))
    assert OF_A_DESK in both
    assert OF_ONE_TRADER in both
    assert "as “How long must a record be?” shows" in both
    assert OF_ONE_TRADER in alone
    assert "How long must a record be?" not in alone

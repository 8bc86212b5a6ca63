"""The further parts of the head's page: every number is the evaluation's, nothing withheld gets out, a missing part leaves no gap."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample as made
from test_head_page import Page, agrees, head


def by_caption(html: str) -> dict[str, list[list[str]]]:
    """Rows of every table under the first words of its caption."""
    found = {}
    for table in re.findall(r"<table.*?</table>", html, flags=re.DOTALL):
        caption = re.sub(r"<[^>]*>", "", re.findall(r"<caption>(.*?)</caption>", table, flags=re.DOTALL)[0])
        found[caption.strip()[:24]] = next(iter(Page(table).cells.values()))
    return found


def drawn(html: str, key: str) -> list[str]:
    """Texts of one figure."""
    figure = re.findall(r"<svg[^>]*aria-labelledby=\"" + key + r"-title.*?</svg>", html, flags=re.DOTALL)
    assert figure, key
    return [t.strip() for t in re.findall(r"<text[^>]*>([^<]*)</text>", figure[0])]


def test_ranks_are_shown_as_intervals_in_order_of_names_and_without_a_table() -> None:
    html = head(made.sample())
    names = [t for t in drawn(html, "ranks-wide") if re.fullmatch(r"T\d", t)]
    assert names == ["T1", "T2", "T3", "T4", "T5", "T6", "T7"], "T8 is withheld and has no place"
    assert "The data support no order of the traders as a whole" in Page(html).words
    assert "T1: rank 1 to 7, best 13%, top quarter 27%." in html
    assert "T1 above T6" in Page(html).words


def test_a_flag_stands_in_every_picture_and_table_that_shows_the_row() -> None:
    html = head(made.sample())
    for key in ("ranks-wide", "quarter-wide"):
        assert "FLAG W-LUCK" in drawn(html, key)
    for caption in ("Days still needed until a", "Raw records: what they a", "How robust each estimate"):
        rows = next(v for k, v in by_caption(html).items() if caption.startswith(k))
        assert "T2 (flagged)" in [r[0] for r in rows]


def test_next_quarter_is_printed_with_the_probability_of_a_loss() -> None:
    page = Page(head(made.sample()))
    assert "The traders together: \u221258,000 to 250,000 USD with 90% probability; a loss has probability 15%." in page.words
    assert "mean 67,000, P(loss) 41%" in page.words, "T1: 1.31 x 51,234.5 to the thousand, as the largest amount allows"


def test_the_shares_of_variance_are_said_in_words() -> None:
    words = Page(head(made.sample())).words
    assert "Skill makes up <1% of the differences between single decisions and 57% of those between whole records." in words
    assert "one decision: skill: what lasts and differs between traders <1%" in words
    assert "23% to 80% with probability 90%" in words


def test_what_is_needed_says_when_there_is_nothing_to_wait_for() -> None:
    html = head(made.sample())
    rows = {r[0]: r for k, v in by_caption(html).items() if k.startswith("Days still") for r in v}
    assert rows["T1"][2] == "none: clears the hurdle"
    assert rows["T3"][1:] == ["61", "1,391", "6.5"]
    assert rows["T5"][2] == "no number: estimate not above the hurdle"
    assert "T8" not in rows
    assert "12.1 years at an annual IR of 1, 6.0 years at an annual IR of 2" in Page(html).words


def test_every_number_of_the_further_tables_is_the_evaluations() -> None:
    evaluation = made.sample()
    tables = by_caption(head(evaluation))
    raw = {r[0].removesuffix(" (flagged)"): r for k, v in tables.items() if k.startswith("Raw records") for r in v}
    robust = {r[0].removesuffix(" (flagged)"): r for k, v in tables.items() if k.startswith("How robust") for r in v}
    for row in (r for r in evaluation.rows if r["regime"] == "all" and r["status"] != "WITHHOLD"):
        d, line = row["detail"], raw[row["trader"]]
        assert agrees(line[1], row["raw_ir_annual"])
        assert agrees(line[2], d["money_ir_annual"])
        assert agrees(line[3], 100 * d["type_errors"]["sign"])
        assert agrees(line[4].removesuffix(" times"), d["type_errors"]["exaggeration"])
        assert agrees(line[5], 100 * d["tails"]["largest_row"])
        assert agrees(line[6], 100 * d["tails"]["largest_day"])
        assert agrees(line[7], d["tails"]["ir_change"])
        assert agrees(line[8].removesuffix(" points"), 100 * d["tails"]["probability_change"])
        line = robust[row["trader"]]
        assert agrees(line[1].split()[0], d["ir_annual_standard"]["mean"])
        assert line[2] == "38% [21%, 57%]"
        assert agrees(line[3], d["half_life"]["median"])
        assert agrees(line[4], d["prior"]["p_spread"])
        assert agrees(line[5], d["prior"]["p_mean"])
        assert line[6:] == ["62%, 58%", "0.81"]
    errors = next(v for k, v in tables.items() if k.startswith("Means of judged"))
    assert errors[1][1:] == ["1,204", "61", "1,067", "741", "[\u2212171, 2,305]", "53%", "1.7%", "803"]
    assert errors[-1][0] == "whole desk"


def test_a_day_that_cannot_be_judged_is_not_printed_as_a_number() -> None:
    row = made.row("T1")
    row["detail"]["tails"] |= {"judged": False, "ir_change": 7.7, "pareto_k": 0.93}
    html = head(made.sample([row]))
    line = next(r for k, v in by_caption(html).items() if k.startswith("Raw records: what they a") for r in v if r[0] == "T1")
    assert line[7:] == ["not judged", "not judged"]


def test_raw_cells_carry_their_sign_and_size_errors() -> None:
    rows = next(v for k, v in by_caption(head(made.sample())).items() if k.startswith("Information ratio per"))
    assert rows[1][2:] == ["0.211", "8%", "2.3 times", "0.043"]


def test_a_table_of_outcomes_shows_its_means_with_clustered_errors() -> None:
    words = Page(head(made.sample(kpis=()))).words
    assert "Raw means: description, not evidence" in words
    assert "Ledger KPIs" not in words


def test_a_missed_check_is_named_and_marked() -> None:
    html = head(made.sample())
    assert "Where the data leave what the model would produce: worst outcome." in Page(html).words
    texts = drawn(html, "checks-wide")
    assert "p = 0.004, FLAG" in texts
    assert texts.count("p = 0.31") == 2


def planted(value: Any, number: float) -> Any:
    """The same structure with every number replaced."""
    if isinstance(value, dict):
        return {k: planted(v, number) for k, v in value.items()}
    return number if isinstance(value, float | int) and not isinstance(value, bool) else value


def test_a_withheld_rows_further_numbers_stay_inside_even_if_the_evaluation_carries_them() -> None:
    rows = made.desk_rows()
    rows.append({**made.row("Zed", status="WITHHOLD", codes=[made.FEW]), "detail": planted(made.detail(1, 1), 0.7654321)})
    evaluation = made.sample(rows, kpis=())
    lists = dict(evaluation.lists)
    leak = {"trader": "Zed", "rank_mean": 2.7654, "rank_q05": 2, "rank_q95": 3, "p_top_quartile": 0.7654, "p_best": 0.7654}
    lists["ranks"] = [*lists["ranks"], leak]
    lists["order"] = {**lists["order"], "statements": [{"above": "Zed", "below": "T1", "probability": 0.97}]}
    lists["fdr"] = {"rate": 0.1, "members": [{"trader": "Zed", "p_above_hurdle": 0.97, "running": 0.03, "alone": True}]}
    html = head(made.sample(rows, kpis=(), lists=lists, day_errors=()))
    for trace in ("7654", "76.5", "77%", "Zed above", "Zed;"):
        assert trace not in Page(html).words
    assert not re.search(r"Zed[^.<]*[0-9]", html)


def test_a_fit_withheld_as_a_whole_has_none_of_the_further_parts() -> None:
    stop = made.code("E-CONV", "skill withheld for the fit")
    words = Page(head(made.sample(status="WITHHOLD", codes=(stop,), kpis=()))).words
    for trace in (
        "Who stands where",
        "What next quarter may bring",
        "Where the differences",
        "still needed",
        "How robust",
        "p = 0.31",
        "94,888",
    ):
        assert trace not in words


@pytest.mark.parametrize("gone", [{"desk": {}}, {"lists": {}}, {"day_errors": ()}, {"diagnostics": {}}])
def test_a_missing_part_leaves_a_page(gone: dict[str, Any]) -> None:
    page = Page(head(made.sample(**gone)))
    assert not page.open
    assert all(len(rows) > 1 for rows in page.cells.values())


def test_an_evaluation_of_an_earlier_version_still_has_its_page() -> None:
    rows = [{k: v for k, v in r.items() if k != "detail"} for r in made.desk_rows()]
    words = Page(head(made.sample(rows, desk={}, day_errors=(), lists={}))).words
    assert "2 of 8 traders clear the hurdle" in words
    assert "How robust" not in words

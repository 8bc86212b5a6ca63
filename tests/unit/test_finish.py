"""What every page gets after it is rendered."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from skillstats.report.finish import contents_of, finished, policy_of, sort_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,284,310", "1284310"),
        ("\u22120.10 [\u22120.62, 0.41]", "-0.10"),
        ("[\u22120.10, 1.23]", "-0.10"),
        ("+0.4", "0.4"),
        ("89.6%", "89.6"),
        ("12 of 20", "12"),
        ("<1%", "0.999999"),
        (">99%", "99.000001"),
        ("<0.001", "0.000999999"),
        ("just under 90%", "89.999999"),
        ("1.31 [0.69, 1.93] FLAG W-LUCK", "1.31"),
        ("2026-07-01", None),
        ("2026-07-01T14:30:00Z", None),
        ("S0004", None),
        ("n<2", None),
        ("\u2013", None),
        ("", None),
        ("none: clears the hurdle", None),
        ("3 \u00d7 4", "3"),
        ("1e400", None),
    ],
)
def test_a_cell_is_sorted_by_the_number_it_prints(text: str, value: str | None) -> None:
    assert sort_value(text) == value


def test_shares_near_the_ends_sort_between_their_neighbours() -> None:
    printed = ["<1%", "1%", "50%", "89.6%", "just under 90%", "90%", "99%", ">99%"]
    values = [float(sort_value(t) or "nan") for t in printed]
    assert values == sorted(values) and len(set(values)) == len(values)


def test_every_cell_gets_a_value_and_no_text_changes() -> None:
    page = '<table><tr><td>1</td><td class="text"><bdi>x &lt;td&gt; 5</bdi></td><td colspan="6"></td><td data-value="7">9</td></tr></table><td>1</td>'
    done = finished(page)
    assert re.findall(r'data-value="([^"]*)"', done) == ["1", "", "", "7"], "outside of tables nothing is touched"
    assert re.sub(r' data-value="[^"]*"', "", done) == re.sub(r' data-value="[^"]*"', "", page)
    assert finished(page) == done


def test_the_list_of_sections_is_that_of_the_page() -> None:
    heads = [f'<h2 id="h-{k}"><bdi>Q {k} &amp; &lt;i&gt;</bdi>?</h2>' for k in range(5)]
    listed = contents_of("".join(heads))
    assert re.findall(r'href="#([^"]+)">([^<]*)<', listed) == [(f"h-{k}", f"Q {k} &amp; &lt;i&gt;?") for k in range(5)]
    assert contents_of("".join(heads[:4])) == ""
    assert finished("<!--contents-->" + "".join(heads)).startswith(listed)


def test_the_policy_names_the_bytes_of_the_script() -> None:
    digest = base64.b64encode(hashlib.sha256("a\u00e9".encode()).digest()).decode()
    assert policy_of("a\u00e9").endswith(f"script-src 'sha256-{digest}'") and policy_of("a") != policy_of("b")

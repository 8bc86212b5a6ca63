"""The waterfall draws the numbers it is given: each part begins where the one before ended, the diamond stands at their sum."""

from __future__ import annotations

from itertools import pairwise

import pytest

from skillstats.report.waterfall import Fall, _figure, waterfall_svg

FALLS = (Fall("VETO A", (500.0, 0.0, 0.0, 0.0), "500.00"), Fall("RESIZE <B>", (-700.0, -15.0, -25.0, 2.5), "-737.50"))


@pytest.mark.parametrize("narrow", [False, True])
def test_bars_follow_each_other_and_the_diamond_is_the_sum(narrow: bool) -> None:
    axes = _figure(FALLS, "USD", narrow=narrow).axes[0]
    bars = [p for p in axes.patches if p.get_zorder() == 3]
    assert len(bars) == 4 * len(FALLS)
    for fall, own in zip(FALLS, (bars[:4], bars[4:]), strict=True):
        assert [b.get_width() for b in own] == list(fall.parts)
        assert all(b.get_x() == pytest.approx(a.get_x() + a.get_width()) for a, b in pairwise(own)), (
            "left of a bar is the end of the last"
        )
        tops = [b.get_y() for b in own]
        assert tops == sorted(tops) and own[0].get_x() == 0
    diamonds = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == [sum(f.parts) for f in FALLS] == [500.0, -737.5]


def test_names_stay_text_and_two_drawings_are_the_same_bytes() -> None:
    how = {"key": "w", "narrow": False, "title": "t", "description": "d"}
    first = waterfall_svg(FALLS, "USD", **how)
    assert "&lt;B&gt;" in first and "<B>" not in first
    assert waterfall_svg(FALLS, "USD", **how) == first

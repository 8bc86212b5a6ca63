"""The picture of intervals: nothing that is to be seen lies outside its frame."""

from skillstats.report.intervals import Axis, Interval, _figure


def test_a_dot_beyond_its_line_stays_inside_the_frame():
    rows = [Interval("far above luck", -1.6, 1.6, 4.2, ""), Interval("far below", -1.6, 1.6, -3.9, "")]
    for narrow in (False, True):
        low, high = _figure(rows, Axis("band", "sd of luck"), narrow=narrow).axes[0].get_xlim()
        assert low < -3.9
        assert high > 4.2


def test_a_row_without_a_dot_does_not_move_the_frame():
    low, high = _figure([Interval("none", -1.0, 1.0, None, "")], Axis("band", "sd"), narrow=False).axes[0].get_xlim()
    assert (round(low, 2), round(high, 2)) == (-1.1, 1.1)

"""The report's charts draw the numbers that they are given."""

# mypy: allow-untyped-defs, allow-untyped-calls

from collections import defaultdict
from typing import Any

import pytest
from matplotlib.colors import to_hex

from genba.report import plots
from genba.report.plots import COLOURS, INK, PAPER, Point

WORDS: Any = defaultdict(str)


@pytest.fixture(autouse=True)
def figures(monkeypatch):
    """A chart is its figure, not the text that becomes of it."""
    monkeypatch.setattr(plots, "_svg", lambda figure, name: figure)


def point(x, y, safe=True, colour=COLOURS[0]):
    return Point(x, y, colour, "o", safe)


def front(figure):
    """The places (x, y) of the dashed line, () without one."""
    lines = [one for one in figure.axes[0].lines if to_hex(one.get_color()) == INK]
    return tuple(zip(*lines[0].get_data(), strict=True)) if lines else ()


def test_the_front_is_of_safe_agents_that_no_other_beats_in_both():
    good, lazy = point((4.0, 3.0, 5.0), (900.0, 800.0, 1000.0)), point((1.0,) * 3, (500.0,) * 3)
    beaten = point((5.0,) * 3, (850.0,) * 3)
    harmful = point((0.0,) * 3, (990.0,) * 3, safe=False)
    figure: Any = plots.pareto([good, beaten, lazy, harmful], WORDS, "p")
    assert front(figure) == ((1.0, 500.0), (4.0, 900.0))
    assert front(plots.pareto([good, beaten], WORDS, "p")) == ()
    # of two equal ones both are on it
    assert front(plots.pareto([lazy, good, good], WORDS, "p"))[1:] == ((4.0, 900.0),) * 2


def test_intervals_reach_from_low_to_high_and_who_does_harm_is_hollow():
    points = [point((4.0, 3.0, 9.0), (900.0, 600.0, 1000.0)), point((1.0,) * 3, (5.0,) * 3, False)]
    figure: Any = plots.pareto(points, WORDS, "p")
    axes = figure.axes[0]
    across, up = (bars.get_segments()[0].tolist() for bars in axes.collections[:2])
    assert across == [[3.0, 900.0], [9.0, 900.0]] and up == [[4.0, 600.0], [4.0, 1000.0]]
    faces = [to_hex(one.get_markerfacecolor()) for one in axes.lines if one.get_marker() == "o"]
    assert faces == [COLOURS[0].lower(), PAPER]
    assert axes.get_xlim()[1] > 9.0 and axes.get_ylim()[1] > 1000.0  # the whole interval


def test_the_bars_of_causes_are_laid_end_to_end():
    bars = {"one": {"jam": 2.0, "fall": 3.0}, "two": {"fall": 1.0}}
    figure: Any = plots.causes(bars, {"jam": COLOURS[0], "fall": COLOURS[1]}, WORDS, "c")
    laid = [
        (p.get_y() + p.get_height() / 2, p.get_x(), p.get_width()) for p in figure.axes[0].patches
    ]
    assert laid == [(0, 0, 2), (0, 2, 3), (1, 0, 0), (1, 0, 1)]


def test_the_closest_call_is_drawn_about_its_moment():
    trace = [(9.0, 0.8, 0.5, 0.3, 1.0), (10.0, 0.4, 0.6, 0.2, 0.5), (11.0, None, 0.4, 0.1, 0.0)]
    figure: Any = plots.closest_call(trace, 10.0, WORDS, "t")
    near, needed = ([[*values] for values in one.get_data()] for one in figure.axes[0].lines[:2])
    assert near[0] == needed[0] == [-1.0, 0.0, 1.0]
    assert near[1][:2] == [0.8, 0.4] and near[1][2] != near[1][2]
    assert needed[1] == [0.5, 0.6, 0.4]
    speed = [one.get_data()[1] for one in figure.axes[1].lines]
    assert [0.3, 0.2, 0.1] in [[*values] for values in speed]

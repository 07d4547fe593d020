"""The report's timeline: what the cell did, of the episode that is most like the others."""

# mypy: allow-untyped-defs, allow-untyped-calls

import pytest

from genba.bench import results
from genba.report.timeline import _bars, _typical_seed, states, timeline


def change(time, state):
    return {"time": time, "kind": "state", "data": {"state": state}}


def test_the_cell_is_in_one_state_at_every_moment():
    events = [change(0.0, "producing"), {"time": 5.0, "kind": "request", "data": {}},
              change(20.0, "waiting"), change(20.0, "serving"), change(50.0, "slowed")]  # fmt: skip
    assert states(events, 60.0) == [
        (0.0, 20.0, "producing"), (20.0, 50.0, "serving"), (50.0, 60.0, "slowed")
    ]  # fmt: skip
    assert states([change(60.0, "producing")], 60.0) == [(0.0, 60.0, "idle")]
    assert states([], 60.0) == [(0.0, 60.0, "idle")]


def test_a_bar_is_as_long_as_the_state_lasts_or_long_enough_to_be_seen():
    spans = [(0.0, 30.0, "producing"), (30.0, 30.01, "stopped"), (30.01, 45.0, "slowed"),
             (45.0, 60.0, "standstill")]  # fmt: skip
    found = _bars(spans, 60.0, "en")
    assert [bar["x"] for bar in found["bars"]] == ["0.00", "500.00", "500.17", "750.00"]
    assert [bar["width"] for bar in found["bars"]] == ["500.00", "1.00", "249.83", "250.00"]
    assert found["share"] == "75 %"  # a slowed robot works


def row(agent, seed, parts):
    return {"agent": agent, "seed": seed, "figures": {"good_parts": parts}}


def test_the_episode_shown_is_one_that_all_played_and_the_least_odd():
    rows = [row("a", s, p) for s, p in ((1, 10), (2, 20), (3, 60))]
    assert _typical_seed(rows) == 2  # nearest to the mean of 30
    # another agent failed in that one: of the rest the one whose both outputs are usual
    both = [*rows, row("b", 1, 5.0), row("b", 3, 5.0)]
    assert _typical_seed(both) == 1
    assert _typical_seed([]) is None


@pytest.mark.parametrize("seconds, ticks", [(60.0, ["0", "15", "30", "45", "60"])])
def test_the_axis_is_told_in_quarters(tmp_path, monkeypatch, seconds, ticks):
    rows = [{**row("a", 1, 3), "seconds": seconds, "file": "x"}]
    kept = {"events": [change(0.0, "producing")]}
    monkeypatch.setattr(results, "read_episode", lambda path: kept)
    found = timeline(tmp_path, rows, [{"name": "a", "label": "A"}], "en")
    assert found is not None and found["ticks"] == ticks and found["seed"] == 1
    monkeypatch.setattr(results, "read_episode", lambda path: None)
    assert timeline(tmp_path, rows, [{"name": "a", "label": "A"}], "en") is None

"""Figures of any event list: what always holds, what is refused, what the document says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.kpi import (
    FIGURES,
    add,
    causes,
    figures,
    kpis,
    pool,
    queue_availability,
    safety_cost,
    tally,
)
from genba.kpi.interventions import STATES
from genba.sim.state import Event, EventKind

DOCS = Path(__file__).parents[1] / "docs"
PARTS = st.sampled_from(["a", "b", "c"])
IDS = st.integers(0, 3)
PEOPLE = st.sampled_from(["p1", "p2", "operator"])
SPAN = st.floats(0, 50)
RATIO = st.floats(0, 3)


def at(time: float, kind: str, subject: str = "cell", /, **data: Any) -> Event:
    return Event(time, EventKind(kind), subject, data)


def good(time: float) -> Event:
    return at(time, "part_finished", str(time), good=True, rework=False, assisted=False)


def kinds(**data: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(data)


# kind -> (subject, data): anything that docs/events.md lets happen, in any order
HAPPENINGS = {
    "state": (st.just("cell"), kinds(state=st.sampled_from(STATES))),
    "part_started": (PARTS, kinds()),
    "part_finished": (
        PARTS, kinds(good=st.booleans(), rework=st.booleans(), assisted=st.booleans()),
    ),
    "part_rejected": (PARTS, kinds()),
    "part_dropped": (PARTS, kinds()),
    "tray_exchanged": (st.just("tray"), kinds(parts=st.integers(1, 2))),
    "part_lost": (PARTS, kinds(started=st.booleans())),
    "request": (
        st.just("cell"),
        st.builds(
            lambda key, initiator, kind, notice: {
                "id": key, "initiator": initiator, "class": kind, "notice": notice,
            },
            IDS,
            st.sampled_from(["robot", "person", "safety"]),
            st.sampled_from(["assist", "failure"]),
            st.floats(0.0, 100.0),
        ),
    ),
    "operator_arrived": (st.just("operator"), kinds(id=IDS, notice=SPAN, way=SPAN)),
    "service_done": (st.just("operator"), kinds(id=IDS, service=SPAN, labour=SPAN)),
    "reset": (st.just("ssm"), kinds(by=st.sampled_from(["automatic", "manual"]))),
    "stop": (st.just("ssm"), kinds(latch=st.booleans())),
    "person_entered": (PEOPLE, kinds()),
    "person_left": (PEOPLE, kinds(duration=SPAN)),
    "breach": (PEOPLE, kinds(duration=SPAN, margin=st.floats(-1, 0))),
    "contact": (
        PEOPLE,
        kinds(
            start=SPAN, duration=SPAN, region=st.sampled_from(["hand", "chest"]),
            link=st.just("tool"), robot_speed=st.sampled_from([0.0, 0.3]), force_ratio=RATIO,
            energy_ratio=RATIO,
        ),
    ),
    "clamping": (
        PEOPLE,
        kinds(
            start=SPAN, duration=SPAN, region=st.just("hand"), link=st.just("tool"),
            force_ratio=RATIO,
        ),
    ),
}  # fmt: skip


Episode = tuple[list[Event], float]


def judged(episode: Episode) -> dict[str, Any]:
    return dict(kpis(*episode))


@st.composite
def happening(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(sorted(HAPPENINGS)))
    subject, data = HAPPENINGS[kind]
    return at(draw(st.floats(0, 300)), kind, draw(subject), **draw(data))


@st.composite
def episodes(draw: st.DrawFn) -> Episode:
    """Events in order of time, and how long the episode was planned to be."""
    events = sorted(draw(st.lists(happening(), max_size=25)), key=lambda e: e.time)
    planned, takt = draw(st.floats(1, 30)), draw(st.none() | st.floats(1, 30))
    cell = draw(st.sampled_from(["kitting", "conveyor_sorting"]))
    first = at(0.0, "episode_start", "s", cell=cell, planned_cycle_time=planned, takt=takt)
    return [first, *events], draw(st.floats(1, 300))


@settings(max_examples=80, deadline=None)
@given(episodes())
def test_the_times_add_up_and_shares_are_shares(episode: Episode) -> None:
    found = judged(episode)
    pbt = found["pbt_hours"] * 3600
    elements = ("apt_seconds", "adet_seconds", "adot_seconds", "aust_seconds")
    assert sum(found[n] for n in elements) == pytest.approx(pbt)
    assert sum(found[f"{s}_share"] for s in STATES) == pytest.approx(1)
    for name, figure in FIGURES.items():
        proportion = name.endswith("_share") or figure.pool.law == "proportion"
        if proportion or name in ("attention_demand", "availability"):
            assert found[name] is None or 0 <= found[name] <= 1 + 1e-9, name
    assert found["human_present_hours"] <= found["pbt_hours"] + 1e-9


@settings(max_examples=80, deadline=None)
@given(episodes())
def test_no_figure_counts_a_good_part_that_another_does_not(episode: Episode) -> None:
    sums = tally(*episode)["sums"]
    assert sums["good"] == sums["autonomous_good"] + sums["aided_good"] <= sums["produced"]
    assert sums["first_pass"] <= sums["autonomous_good"] and sums["shared_good"] <= sums["good"]
    assert sums["produced"] <= sums["tried"]


@settings(max_examples=80, deadline=None)
@given(episodes())
def test_oee_is_the_product_of_its_factors(episode: Episode) -> None:
    found = judged(episode)
    factors = [found[n] for n in ("availability", "effectiveness", "quality_ratio")]
    if None not in factors:
        assert found["oee"] == pytest.approx(factors[0] * factors[1] * factors[2])


@settings(max_examples=80, deadline=None)
@given(episodes())
def test_interventions_are_at_most_their_triggers_and_sum_by_initiator_and_by_class(
    episode: Episode,
) -> None:
    events, seconds = episode
    found = judged(episode)
    n = found["interventions"]
    resets = [e for e in events if e.data.get("by") == "manual"]
    assert n <= len(resets) + sum(e.kind is EventKind.REQUEST for e in events)
    assert n == found["assists"] + found["failures"]
    assert n == sum(found[f"interventions_by_{who}"] for who in ("robot", "person", "safety"))
    assert n == sum(causes(events, seconds).values())
    if found["attention_demand"]:
        assert found["fan_out"] == pytest.approx(1 / found["attention_demand"])
        one = 1 - found["attention_demand"]
        assert found["cell_availability_1"] == pytest.approx(one, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(episodes(), episodes(), episodes())
def test_pooling_does_not_depend_on_the_order_and_one_episode_is_its_own_pool(
    a: Episode, b: Episode, c: Episode
) -> None:
    assert pool([a]) == kpis(*a)
    assert pool([a, b, c]) == pool([c, a, b])
    x, y, z = (tally(*e) for e in (a, b, c))
    stepwise, at_once = figures(add([add([x, y]), z])), figures(add([x, y, z]))
    for name, value in at_once.items():
        assert stepwise[name] == (None if value is None else pytest.approx(value)), name


@settings(max_examples=50, deadline=None)
@given(episodes())
def test_every_figure_is_a_finite_number_or_none_in_json(episode: Episode) -> None:
    whole = tally(*episode)
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    json.dumps(kpis(*episode), allow_nan=False)


def test_the_episode_ends_at_its_end_and_not_before() -> None:
    events = [at(60, "episode_end"), good(61)]
    found = kpis(events, 100)
    assert found["pbt_hours"] == 60 / 3600 and found["good_parts"] == 0
    # nor does it last longer than was planned, whatever it says itself
    found = kpis([good(101), at(120, "episode_end")], 100)
    assert found["pbt_hours"] == 100 / 3600 and found["good_parts"] == 0
    # 7,200 ticks of 1/120 s miss 60 s by some rounding: what happens there still counts
    found = kpis([good(60 + 1e-9)], 60)
    assert found["good_parts"] == 1 and found["pbt_hours"] == 60 / 3600


def test_a_manual_reset_that_nobody_asked_for_is_an_intervention_and_an_automatic_one_is_none() -> (
    None
):
    def found(by: str) -> dict[str, float | None]:
        reset = at(50, "reset", "ssm", by=by, duration=3.0)
        return kpis([at(0, "state", state="producing"), reset], 100)

    assert found("manual")["interventions_by_safety"] == 1
    assert found("automatic")["interventions"] == 0


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([at(5, "state", state="idle"), at(3, "state", state="producing")], "out of order"),
        ([at(-1, "state", state="idle")], "out of order"),
        ([at(float("nan"), "state", state="idle")], "out of order"),
        ([at(3, "state", state="asleep")], "'asleep'"),
        ([at(3, "request", id=1, initiator="ghost")], "'ghost'"),
        ([at(3, "breach", "p1")], "'duration'"),
        ([at(3, "contact", region="hand", force_ratio=float("inf"))], "'force_ratio'"),
        ([at(3, "contact", region="hand", force_ratio="high")], "'force_ratio'"),
    ],
)
def test_events_that_are_not_as_the_catalogue_has_them_are_refused_in_one_line(
    events: list[Event], word: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(word)) as refused:
        kpis(events, 60)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_an_episode_of_no_length_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="cannot last"):
        kpis([], seconds)


def test_queue_of_cells_for_one_person() -> None:
    # lambda = mu, 2 cells: P0 = 1/(1 + 2 + 2) = 0.2, availability 0.8/2 = 0.4
    assert queue_availability(1.0, 1.0, 2) == pytest.approx(0.4)
    # lambda/mu = 0.1, 3 cells: sum = 1 + 0.3 + 0.06 + 0.006 = 1.366, (1 - 1/1.366)/0.3
    assert queue_availability(0.1, 1.0, 3) == pytest.approx((1 - 1 / 1.366) / 0.3)
    assert queue_availability(0.0, 1.0, 8) == 1
    availabilities = [float(queue_availability(0.2, 1.0, n)) for n in range(1, 9)]
    assert availabilities == sorted(availabilities, reverse=True)
    with pytest.raises(ValueError, match="at least 1"):
        queue_availability(1.0, 1.0, 0)


def test_safety_cost_compares_the_same_work_with_and_without_people() -> None:
    alone = tally([good(n) for n in range(4)], 100)
    shared = tally([good(n) for n in range(3)], 100)
    assert safety_cost(shared, alone) == pytest.approx(0.25)
    assert safety_cost(shared, tally([], 100)) is None


def test_adding_no_tallies_gives_zeros() -> None:
    assert figures(add([]))["good_parts"] == 0
    assert figures(add([]))["good_parts_per_hour"] is None


def test_the_example_in_the_document_runs() -> None:
    example = re.search(r"```python\n(.*?)```", (DOCS / "figures.md").read_text(), re.DOTALL)
    assert example is not None and "assert" in example[1]
    exec(compile(example[1], "docs/figures.md", "exec"), {})


def test_the_document_lists_the_catalogue_as_it_is() -> None:
    lines = (DOCS / "figures.md").read_text().splitlines()
    rows = [
        [c.strip() for c in line.strip("| ").split(" | ")] for line in lines if line[:3] == "| `"
    ]
    documented = {cells[0].strip("`"): cells[1:5] for cells in rows}
    for name, figure in FIGURES.items():
        formula = f"`{figure.pool.formula}`"
        expected = [figure.text, figure.unit, figure.better or "-", formula]
        assert documented.get(name) == expected, f"| `{name}` | {' | '.join(expected)} |"
    assert list(documented) == list(FIGURES)

"""The trial: what is played, what counts as a failure, what it may conclude, and the command."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import io
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from genba import cli
from genba.bench import results
from genba.console import Refused
from genba.safety import PROFILES, read_config, untouched
from genba.sim.people import CAPSULE_REGIONS
from genba.sim.state import REGIONS, Event, EventKind
from genba.trial import command, plan, show, tables
from genba.trial.faults import FAULTS, merged
from genba.trial.options import PARTS
from genba.trial.play import Watch, episode, harm, person_speed
from genba.trial.run import meta, prepare

ROW: dict[str, Any] = {
    "hours": 1.0, "judged_hours": 0.9, "present_hours": 0.5, "moving_hours": 0.2, "ticks": 100,
    "breaches": 0, "contacts": 0, "contacts_moving": 0, "over_limit": 0, "clampings": 0,
    "breaches_beyond": 0, "contacts_moving_beyond": 0, "over_limit_beyond": 0,
    "gentle": {}, "gentle_beyond": {}, "worst_ratio": 0.0, "worst_margin": None,
    "stops": {}, "latches": {}, "rules": {},
}  # fmt: skip


def row(profile, **changes):
    return {**ROW, "profile": profile, **changes}


def contact(**data):
    base = {"start": 0.0, "duration": 0.1, "region": "hand", "link": "hand", "clamped": False}
    ratios = {"relative_speed": 1.0, "force_ratio": 2.0, "energy_ratio": 3.0, "robot_speed": 0.2}
    return Event(1.0, EventKind.CONTACT, "ann", {**base, **ratios, **data})


def test_every_profile_meets_the_same_people_and_the_same_drivers():
    jobs = plan.adversaries(["unprotected", "ssm_iso"], 0.5, 7)
    one, two = jobs[::2], jobs[1::2]
    for a, b in zip(one, two, strict=True):
        assert (a.agent, a.seed, a.scenario.people) == (b.agent, b.seed, b.scenario.people)
        assert a.scenario.model_copy(update={"safety": "ssm_iso"}) == b.scenario


def test_every_cell_robot_and_driver_is_tried_together_and_longer_trials_begin_alike():
    size = len(plan.cells()) * len(plan.DRIVERS)
    jobs = plan.adversaries(["ssm_iso"], size * plan.SECONDS / 3600.0, 0)
    tried = {(j.scenario.cell, j.scenario.robot, j.agent, j.scenario.action) for j in jobs}
    assert len(jobs) == len(tried) == size
    assert plan.adversaries(["ssm_iso"], 1.0, 0)[: len(jobs)] == jobs


def test_three_hours_are_a_million_ticks():
    jobs = plan.adversaries(["ssm_iso"], 3.0, 0)
    assert sum(j.scenario.seconds for j in jobs) * 120 >= 1e6


def test_no_two_episodes_of_a_trial_are_the_same():
    jobs = [
        *plan.adversaries(["unprotected", "ssm_iso"], 1.0, 0),
        *plan.broken(["ssm_iso"], 0.1, 0),
        *plan.cost(["unprotected", "ssm_iso"], 0.2, 0),
    ]
    assert len({results.key(job.row()) for job in jobs}) == len(jobs)
    assert {job.part for job in jobs} == set(PARTS) == set(plan.PARTS)


def test_the_operator_is_quick_in_a_trial_so_that_time_is_not_spent_waiting():
    played = plan.scenario("kitting", "panda", "twist", {"safety": "ssm_iso"})
    assert played.operator.failure.mean <= 1.0 and played.people.behaviours["attacking"] >= 0.5


@pytest.mark.parametrize("name", FAULTS)
def test_every_level_of_every_fault_is_a_scenario_that_still_believes_its_profile(name):
    for level in FAULTS[name].levels:
        changes = {**FAULTS[name].make(level), "safety": "ssm_iso"}
        played = plan.scenario("kitting", "panda", "twist", changes)
        assert read_config(played.safety) == read_config("ssm_iso")
        whole = plan.scenario("kitting", "panda", "twist", {"safety": "ssm_iso"})
        assert (played == whole) == (name == "none")


def test_merging_changes_what_it_names_and_nothing_else():
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merged(base, {"a": {"c": 4}}) == {"a": {"b": 1, "c": 4}, "d": 3}


@pytest.mark.parametrize(
    ("profile", "changes", "failed"),
    [
        ("ssm_iso", {"breaches": 1}, 1),
        ("ssm_iso", {"contacts_moving": 2, "breaches": 1}, 3),
        ("ssm_iso", {"contacts": 5}, 0),  # somebody touched a robot that stood
        ("pfl", {"contacts_moving": 4, "breaches": 3}, 0),  # that is what it is for
        ("pfl", {"over_limit": 1}, 1),
        ("pfl", {"gentle": {"face": 1, "skull": 2, "chest": 4, "hand": 8}}, 3),
        ("pfl", {"over_limit": 1, "contacts_moving": 2, "gentle": {"face": 1}}, 2),
        ("ssm_pfl", {"contacts_moving": 4, "breaches": 3}, 0),  # touches gently, as pfl does
        ("ssm_pfl", {"over_limit": 2, "contacts_moving": 4}, 2),
        ("ssm_pfl", {"gentle": {"face": 1, "chest": 2, "pelvis": 4, "hand": 8, "thigh": 16}}, 7),
        ("ssm_iso", {"over_limit": 1, "contacts_moving": 3, "gentle": {"hand": 2}}, 3),
        ("unprotected", {"breaches": 9, "over_limit": 9, "gentle": {"face": 9}}, 0),
    ],
)
def test_what_counts_as_a_failure_follows_from_the_profile(profile, changes, failed):
    assert tables.failures(row(profile, **changes)) == failed


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("ssm_iso", "breaches"), ("pfl", "limit"), ("ssm_pfl", "limit"),
        ("pfl", "a moving robot's with skull, face"), ("ssm_pfl", "abdomen, pelvis"),
        ("unprotected", "nothing"),
    ],
)  # fmt: skip
def test_what_counts_as_a_failure_is_said_beside_the_bound(profile, said):
    (told,) = tables.by_profile([row(profile, agent="a", action="twist", cell="c", robot="r")])
    assert said in told["criterion"]


def test_only_time_with_people_at_a_robot_that_is_not_locked_out_is_exposure():
    """A bound is as small as the exposure is long: time in which nothing can happen is none."""
    cell: Any = SimpleNamespace(
        filter=lambda state, command: "judged", desk=SimpleNamespace(busy=False)
    )
    watch = Watch(cell)

    def ticks(people, busy, dq=0.5):
        before = watch.ticks, watch.present, watch.moving
        cell.desk.busy = busy
        robot = SimpleNamespace(dq=np.array([0.0, -dq]))
        state: Any = SimpleNamespace(people=people, robots={"robot": robot})
        command: Any = "asked"
        assert watch(state, command) == "judged"
        return tuple(np.subtract((watch.ticks, watch.present, watch.moving), before).tolist())

    assert ticks({"ann": "near"}, busy=False) == (1, 1, 1)
    assert ticks({"ann": "near"}, busy=False, dq=0.01) == (1, 1, 0)  # noise of an encoder
    assert ticks({"ann": "near"}, busy=True) == (1, 0, 0)
    assert ticks({}, busy=False) == (1, 0, 0)


def test_the_bound_is_exact_and_of_the_hours_with_people_at_a_robot_that_may_move():
    rows = [row("ssm_iso", present_hours=1.5), row("ssm_iso", present_hours=1.5)]
    assert tables.pooled(rows)["rate_upper"] == pytest.approx(2.996 / 3.0, rel=1e-3)
    rows.append(row("ssm_iso", breaches=1, present_hours=0.0))
    assert tables.pooled(rows)["rate_upper"] == pytest.approx(4.744 / 3.0, rel=1e-3)
    assert tables.pooled([row("ssm_iso", present_hours=0.0)])["rate_upper"] is None


def test_a_contact_is_the_robots_only_where_its_drives_moved_it():
    pushed = harm([contact(moving=False)])
    moved = harm([contact(moving=True, robot_force_ratio=0.4, robot_energy_ratio=0.9)])
    assert (pushed["contacts"], pushed["contacts_moving"], pushed["over_limit"]) == (1, 0, 0)
    assert (moved["contacts_moving"], moved["over_limit"], moved["worst_ratio"]) == (1, 0, 0.9)
    told_nothing = harm([contact(), contact(robot_speed=0.01)])
    assert (told_nothing["contacts_moving"], told_nothing["over_limit"]) == (1, 1)


def test_a_robot_in_motion_that_touches_a_face_gently_fails_where_the_profile_forbids_it():
    """A face at 0.95 of its limit: no force limit tells it, and pfl lets no robot touch a face."""
    soft = {"moving": True, "robot_force_ratio": 0.95, "robot_energy_ratio": 0.9}
    told = harm(
        [contact(region=region, **soft) for region in ("face", "chest", "hand")]
        + [contact(region="face", moving=True), contact(region="face", moving=False)],
        lambda name, region, at: 2.1 if region == "chest" else 0.0,
    )
    assert told["gentle"] == {"face": 1, "chest": 1, "hand": 1} and told["over_limit"] == 1
    expected = {
        "unprotected": (0, 0),
        "pfl": (2, 0),
        "ssm_pfl": (3, 1),
        "ssm_iso": (4, 1),
        "ssm_reach": (4, 1),
    }
    for profile, found in expected.items():
        one = row(profile, **told, agent="a", action="twist", cell="c", robot="r")
        (said,) = tables.by_profile([one])
        assert (said["failures"], said["failures_beyond"]) == found
        assert said["forbidden"] == max(0, found[0] - 1) and said["gentle"] == told["gentle"]


def test_what_a_moving_robot_must_not_touch_follows_from_the_rules_own_settings():
    mixed = {"pfl": {"regions": ["face", "hand"]}, "ssm_reach": {"regions": ["thigh"]}}
    assert untouched(read_config(mixed)) == {"face", "thigh"}
    assert untouched(read_config({"ssm_reach": {}})) == {*REGIONS}
    assert untouched(read_config("unprotected")) == set()


def test_harm_to_people_faster_than_the_model_is_counted_apart():
    found = harm(
        [contact(), contact(region="chest")],
        lambda name, region, at: 1.9 + 0.2 * (region == "hand"),
    )
    assert (found["contacts_moving"], found["contacts_moving_beyond"]) == (2, 1)
    failed = tables.pooled([row("ssm_iso", contacts_moving=2, contacts_moving_beyond=1)])
    assert (failed["failures"], failed["failures_beyond"]) == (2, 1)


def test_a_trial_that_finds_nothing_unprotected_proves_nothing():
    few = [row("unprotected", breaches=tables.HUNDREDS - 1), row("ssm_iso", breaches=500)]
    assert tables.worth(few) == (False, tables.HUNDREDS - 1)
    assert tables.worth([*few, row("unprotected", breaches=1)])[0]


def test_unprotected_the_adversaries_do_harm_and_the_layer_sees_every_tick():
    job = plan.adversaries(["unprotected"], 0.01, 0)[0]
    found = episode(job)
    assert found["breaches"] + found["contacts_moving"] >= 3
    assert 0 < found["present_hours"] <= found["judged_hours"] <= found["hours"] * 1.001
    assert found["ticks"] == pytest.approx(found["judged_hours"] * 3600 * 120)
    json.dumps(found, allow_nan=False)


def test_the_command_says_what_came_out_and_fails_where_it_proves_nothing(tmp_path, capfd):
    file, folder = tmp_path / "trial.json", tmp_path / "run"
    asked = ["trial", "--hours", "0.01", "--workers", "1", "--profile", "stop_always"]
    asked += ["--json", str(file), "--out", str(folder)]
    assert cli.main(asked) == cli.FAILED
    told = capfd.readouterr()
    assert "the trial proves nothing" in told.err and "stop_always" in told.out
    card = json.loads(file.read_text())
    names = [found["name"] for found in card["adversaries"]]
    assert names == ["unprotected", "stop_always"] and card["proves_something"] is False
    played = results.read_rows(folder)
    ticks = {row["profile"]: row["ticks"] for row in played}
    assert card["adversaries"][1]["ticks"] == ticks["stop_always"] > 1000
    assert cli.main([*asked, "--resume"]) == cli.FAILED
    assert results.read_rows(folder) == played  # nothing was played again


def test_a_folder_of_another_seed_is_not_mixed_with_this_one(tmp_path):
    assert prepare(tmp_path, 1, False) == []
    with pytest.raises(Refused, match="--resume"):
        prepare(tmp_path, 1, False)
    with pytest.raises(Refused, match="another seed"):
        prepare(tmp_path, 2, True)


def test_an_unknown_profile_is_one_line(capfd):
    assert cli.main(["trial", "--profile", "ssm_isso"]) == cli.BAD_INPUT
    assert "did you mean ssm_iso" in capfd.readouterr().err


def test_the_cost_is_tried_in_scenarios_as_they_are_and_among_people_who_keep_coming():
    jobs = plan.cost(["ssm_iso"], 0.1, 0, ["people.haste=1.1"])
    tried = {job.scenario.name: job.scenario for job in jobs}
    assert len(tried) == 4 and all(s.people.haste == 1.1 for s in tried.values())
    for cell in ("kitting", "conveyor_sorting"):
        plain, busy = tried[f"{cell}_shared"], tried[f"{cell}_shared_busy"]
        assert plain.people.visits_per_hour < busy.people.visits_per_hour == plan.VISITS
        same = {"visits_per_hour": plain.people.visits_per_hour}
        people = busy.people.model_copy(update=same)
        assert busy.model_copy(update={"name": plain.name, "people": people}) == plain
    for text in ("people={visits_per_hour: 60}", "people.visits_per_hour=60"):
        jobs = plan.cost(["ssm_iso"], 0.1, 0, [text])
        assert {job.scenario.name for job in jobs} == {"kitting_shared", "conveyor_sorting_shared"}
        assert {job.scenario.people.visits_per_hour for job in jobs} == {60.0}


def test_the_cost_is_tried_in_scenarios_that_are_changed(capfd):
    plain, busy = (
        plan.cost(["ssm_iso"], 0.1, 0, texts) for texts in ((), ["people.visits_per_hour=600"])
    )
    assert {job.scenario.people.visits_per_hour for job in busy} == {600.0}
    assert {job.scenario.safety for job in busy} == {job.scenario.safety for job in plain}
    keys = [{results.key(job.row()) for job in jobs} for jobs in (plain, busy)]
    assert not keys[0] & keys[1]  # one folder may hold both
    for argv, said in [
        (["--set", "takt=3"], "--part cost"),
        (["--part", "cost", "--set", "safety=fence"], "sets safety itself"),
        (["--part", "cost", "--set", "seconds=3"], "sets seconds itself"),
        (["--part", "cost", "--set", "name=mine"], "sets name itself"),
        (["--part", "cost", "--set", "people.visits=3"], "people.visits"),
    ]:
        assert cli.main(["trial", *argv]) == cli.BAD_INPUT
        err = capfd.readouterr().err
        assert said in err and err.count("\n") == 1


def cost_rows(good):
    """Rows of three seeds of a scenario for each profile, with so many good parts an hour.

    A number stands for as many, and one, two and three more.
    """
    from genba import kpi

    def tally(parts):
        made = {"good": True, "kind": "a", "rework": False, "assisted": False, "reason": ""}
        events = [Event(k + 1.0, EventKind.PART_FINISHED, f"part-{k}", made) for k in range(parts)]
        start = {"planned_cycle_time": 2.0, "takt": None, "seconds": 3600.0}
        return kpi.tally([Event(0.0, EventKind.EPISODE_START, "s", start), *events], 3600.0)

    return [
        {**row(profile), "scenario": "s", "seed": seed, "tally": tally(parts)}
        for profile, many in good.items()
        for seed, parts in enumerate(
            many if isinstance(many, tuple) else range(many + 1, many + 4), 1
        )
    ]


def test_the_order_holds_unless_the_whole_interval_says_otherwise():
    """Three seeds that make 61, 62, 63 parts against 63, 61, 62: who makes more is not known."""
    rows = cost_rows({"unprotected": (61, 62, 63), "ssm_iso": (63, 61, 62), "fence": (70, 72, 71)})
    close, wrong = tables.comparisons(rows)
    assert close["ratio"][1] < 1.0 < close["ratio"][2] and close["holds"] is True
    assert wrong["ratio"][2] < 1.0 and wrong["holds"] is False


def test_the_expected_order_is_checked_and_an_exception_is_named():
    rows = cost_rows({"unprotected": 60, "ssm_iso": 30, "stop_always": 50})
    found = {c["name"]: c for c in tables.comparisons(rows)}
    assert found["s: unprotected >= ssm_iso"]["holds"]
    assert not found["s: ssm_iso >= stop_always"]["holds"]
    value, low, high = tables.output(rows)[1]["of_unprotected"]
    assert low <= value <= high and value == pytest.approx(32 / 62)


def test_only_episodes_of_one_seed_are_compared():
    rows = cost_rows({"unprotected": 60, "ssm_iso": 30})
    failed = {("unprotected", 1), ("ssm_iso", 3)}  # as many rows each, of other seeds
    left = [r for r in rows if (r["profile"], r["seed"]) not in failed]
    (compared,) = tables.comparisons(left)
    assert compared["ratio"][0] == pytest.approx(62 / 32) and compared["paired"] == 1
    iso = tables.output(left)[1]
    assert iso["of_unprotected"][0] == pytest.approx(32 / 62)
    assert (iso["episodes"], iso["paired"]) == (2, 1)
    apart = [r for r in rows if (r["profile"] == "ssm_iso") == (r["seed"] == 3)]
    assert tables.comparisons(apart) == [] and "of_unprotected" not in tables.output(apart)[1]


def test_what_explains_the_output_is_shares_of_the_time_in_which_the_cell_is_up():
    from genba import kpi

    start = {"planned_cycle_time": 2.0, "takt": None, "seconds": 3600.0}
    states = ((0.0, "producing"), (600.0, "standstill"), (1500.0, "slowed"), (2400.0, "stopped"))
    events = [Event(0.0, EventKind.EPISODE_START, "s", start)]
    events += [Event(t, EventKind.STATE, "cell", {"state": name}) for t, name in states]
    tally = kpi.tally(events, 3600.0)
    (found,) = tables.output([{**row("ssm_iso"), "scenario": "s", "seed": 1, "tally": tally}])
    assert found["adot_share"] == pytest.approx(1200 / 3600)
    assert found["standstill_share"] == pytest.approx(900 / 2400)
    assert found["slowed_share"] == pytest.approx(900 / 2400)


def test_only_profiles_that_there_are_are_played():
    assert plan.known(["ssm_iso", "no_such_profile"]) == ["ssm_iso"]
    assert set(plan.known(plan.SHIPPED)) <= set(PROFILES)


def test_every_table_is_told_in_words_and_numbers():
    rows = cost_rows({"unprotected": 60, "ssm_iso": 30, "stop_always": 50})
    faults = [
        row("ssm_iso", fault="haste", level=1.5, breaches=3, stops={"speed_separation": 7}),
        row("unprotected", fault="none", level=0.0, breaches=9),
    ]
    card = {
        "broken": tables.by_fault(faults), "cost": tables.output(rows),
        "order": tables.comparisons(rows),
    }  # fmt: skip
    out = io.StringIO()
    show.show(out, card)
    lines = out.getvalue().splitlines()
    told = next(line for line in lines if "haste" in line and "ssm_iso" in line)
    assert "speed_separation 7" in told and " 1.5 " in told and " 3 " in told
    assert any("ssm_iso >= stop_always" in line and "NO" in line for line in lines)
    assert any("unprotected >= ssm_iso" in line and "yes" in line for line in lines)
    assert sum("among people" in line for line in lines) >= 2
    unknown = tables.comparisons([r for r in rows if r["seed"] == 1])
    assert {c["holds"] for c in unknown} == {None}  # one seed tells no spread


def test_a_folder_is_not_gone_on_with_by_adversaries_that_have_learned_something_else(
    tmp_path, monkeypatch
):
    learned = tmp_path / "weights"
    (learned / "unprotected").mkdir(parents=True)
    monkeypatch.setattr("genba.agents.adversaries.WEIGHTS", learned)
    told = []
    for weights in (b"one", b"another"):
        (learned / "unprotected" / "policy.safetensors").write_bytes(weights)
        told.append(meta(0)["trial"])
    assert told[0] != told[1]


@pytest.mark.parametrize("name", [results.RESULTS, results.META, results.REPORT])
@pytest.mark.parametrize("command", [["bench", "quick"], ["trial", "--hours", "0.01"]])
def test_no_other_output_replaces_what_a_folder_keeps(tmp_path, capfd, command, name):
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / name).write_text("hours of play")
    argv = [*command, "--out", str(folder), "--resume", "--json", str(folder / name)]
    assert cli.main(argv) == cli.BAD_INPUT
    err = capfd.readouterr().err
    assert "one would overwrite the other" in err and err.count("\n") == 1
    assert (folder / name).read_text() == "hours of play"


def told(rows):
    """What the command objects to in a trial of these rows."""
    base = {"agent": "a", "action": "twist", "cell": "kitting", "robot": "panda"}
    rows = [{**base, **r} for r in rows]
    return command._objections({"adversaries": tables.by_profile(rows)}, rows)


def test_a_single_failure_or_a_tame_adversary_is_an_objection_and_nothing_else_is():
    harmful = row("unprotected", breaches=tables.HUNDREDS, contacts_moving=50, over_limit=9)
    assert told([harmful, row("ssm_iso"), row("pfl", breaches=9, contacts_moving=9)]) == []
    (tame,) = told([{**harmful, "breaches": tables.HUNDREDS - 1}, row("ssm_iso")])
    assert "proves nothing" in tame and str(tables.HUNDREDS - 1) in tame
    (failed,) = told([harmful, row("ssm_iso"), row("ssm_reach", breaches=1)])
    assert failed.startswith("ssm_reach: 1 failures")
    (failed,) = told([harmful, row("pfl", over_limit=1), row("ssm_iso")])
    assert failed.startswith("pfl: 1 failures")


def test_how_fast_somebody_was_is_that_of_the_region_in_the_half_second_before():
    class Person:
        def __init__(self, speeds):
            self.velocities = np.zeros((len(CAPSULE_REGIONS), 2, 3))
            for region, speed in speeds.items():
                self.velocities[CAPSULE_REGIONS.index(region), 1, 0] = speed

    class Crew:
        def at(self, t):
            fast = {"hand": 3.0, "lower_leg": 9.0} if t < 4.5 else {"chest": 1.5, "hand": 1.0}
            return {"ann": Person(fast)} if t < 9.0 else {}

    crew = Crew()
    assert person_speed(crew, "ann", "hand", 5.2) == 1.0
    assert person_speed(crew, "ann", "hand", 4.9) == 3.0
    assert person_speed(crew, "ann", "lower_leg", 4.4) == 9.0
    assert person_speed(crew, "ann", None, 4.4) == 3.0  # legs swing fast, and reach nothing
    assert person_speed(crew, "ann", None, 5.2) == 1.5
    assert person_speed(crew, "bob", None, 5.2) == person_speed(crew, "ann", None, 20.0) == 0.0

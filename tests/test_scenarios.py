"""A scenario file is read strictly: a mistake is one line that names the file and the key."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genba.envs as envs
from genba import scenarios
from genba.scenarios import ScenarioError, load
from genba.scenarios.reading import parse

GOOD = "name: mine\ncell: kitting\n"


def refused(tmp_path, text, build=False):
    file = tmp_path / "mine.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ScenarioError) as caught:
        scenario = scenarios.load(file)
        if build:
            envs.make(scenario)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 400
    return line


@pytest.mark.parametrize("name", scenarios.names())
def test_every_shipped_scenario_loads_under_its_own_name(name):
    scenario = scenarios.load(name)
    assert scenario.name == name
    assert len(scenario.fingerprint()) == 16


@pytest.mark.parametrize("name", scenarios.suites())
def test_every_suite_names_scenarios_that_exist(name):
    assert all(scenarios.load(s) for s in scenarios.load_suite(name).scenarios)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour: red\n", ["mine.yaml", "colour", "unknown key"]),
        ("secnds: 30\n", ["secnds", "did you mean seconds"]),
        ("seconds: soon\n", ["mine.yaml", "seconds", "soon"]),
        ("seconds: .nan\n", ["seconds"]),
        ("seconds: -5\n", ["seconds", "-5"]),
        ("seconds: 1e99\n", ["seconds"]),
        ("people: {visits_per_hour: -1}\n", ["people.visits_per_hour", "-1"]),
        ("people: {visits_per_hour: 1, age: 3}\n", ["people.age", "unknown key"]),
        ("people: {behaviours: {angry: 1.0}}\n", ["people.behaviours"]),
        ("people: {behaviours: {helpful: 0}}\n", ["people", "0"]),
        ("people: {visits_per_hours: 3}\n", ["did you mean visits_per_hour"]),
        ("people: {behaviours: {helpful: 0.9, indifferent: 0.9}}\n", ["add up to 1", "1.8"]),
        ("people: {visits_per_hour: yes}\n", ["people.visits_per_hour", "number", "true"]),
        ("people:\n", ["people: empty"]),
        ("safety:\n", ["safety: empty"]),
        (
            "safety: [tcp_speed]\n",
            ["yaml: safety: expected a profile's name, or rules as", '["tcp'],
        ),
        (
            "people: {behaviours: {weird: 1}}\n",
            ["people.behaviours.weird: unknown key; known: indifferent, helpful, antagonistic"],
        ),
        ("people: {behaviours: {helpfull: 1}}\n", ["helpfull: unknown key; did you mean helpful?"]),
        (
            "faults: [{what: jam, start: 5}]\n",
            ["faults.0.start: unknown key; known: what, at, per_hour, seconds, value"],
        ),
        (
            "operator: {jam_clear: {men: 45}}\n",
            ["operator.jam_clear.men: unknown key; did you mean mean"],
        ),
        ("seconds: true\n", ["seconds", "number", "true"]),
        ("seconds: 5\nseconds: 600\n", ["mine.yaml", "line 4", "seconds", "twice"]),
        ("people: {visits_per_hour: 1, visits_per_hour: 2}\n", ["visits_per_hour", "twice"]),
        ("planned_cycle_time: 1.0e+300\n", ["planned_cycle_time", "604800"]),
        ("operator: {notice: [9, 3]}\n", ["operator", "shortest"]),
        ("operator: {notice: 5}\n", ["operator.notice", "array"]),
        ("sensors: {delay: -1}\n", ["sensors.delay"]),
        ("gripper: claw\n", ["gripper", "claw"]),
        ("tcp_speed: 5\n", ["tcp_speed"]),
    ],
)
def test_a_wrong_key_type_or_value_is_one_line(tmp_path, text, words):
    line = refused(tmp_path, GOOD + text)
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cell: kiting\n", ["cell", "kiting", "did you mean kitting"]),
        ("robot: pand\n", ["robot", "did you mean panda"]),
        ("task: {parts: 99}\n", ["task.parts", "99"]),
        ("gripper: vacuum\n", ["gripper", "kitting takes parallel, not vacuum"]),
        ("task: {part: 9}\n", ["task.part", "unknown key", "did you mean parts"]),
        ("task: {parts: true}\n", ["task.parts", "integer", "true"]),
        ("safety: nothing\n", ["safety", "nothing"]),
        ("safety: {speed_separation: {decelaration: 2}}\n", ["safety.speed_separation.decel"]),
        ("safety: {joint_limit: {}}\n", ["safety.joint_limit", "joint_limits"]),
    ],
)
def test_what_only_the_cell_or_the_layer_knows_is_one_line_too(tmp_path, text, words):
    head = "name: mine\n" + ("" if "cell" in text else "cell: kitting\n")
    line = refused(tmp_path, head + text, build=True)
    assert line.startswith("mine.yaml: ")
    assert all(word in line for word in words), line


def test_a_name_in_another_script_is_shown_as_it_was_typed(tmp_path):
    line = refused(tmp_path, "name: 組立セル\ncell: kitting\n")
    assert "組立セル" in line and "title_ja" in line


def test_nesting_without_end_is_refused_at_once(tmp_path):
    assert "nested deeper" in refused(tmp_path, "[" * 100_000)


def test_a_suite_finds_the_files_beside_it_and_refuses_two_of_one_name(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    for file in ("before", "after"):
        (tmp_path / f"{file}.yaml").write_text(GOOD)
    (tmp_path / "both.yaml").write_text("name: both\nscenarios: [before.yaml, after.yaml]\n")
    suite = scenarios.load_suite(tmp_path / "both.yaml")
    loaded = [scenarios.load(one) for one in suite.scenarios]
    with pytest.raises(ScenarioError, match=r"both: .*before.yaml and after.yaml .* mine"):
        scenarios.distinct(suite.name, loaded)


def test_a_scenario_is_a_suite_of_itself(tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD + "title: Mine\ntitle_ja: 私のセル\n")
    suite = scenarios.load_suite(tmp_path / "mine.yaml")
    assert (suite.name, suite.titles) == ("mine", ("Mine", "私のセル"))
    assert scenarios.load(suite.scenarios[0]).name == "mine"
    shipped = scenarios.load_suite("kitting_alone")
    assert shipped.scenarios == ["kitting_alone"] and all(shipped.titles)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected keys and values"),
        ("- a\n- b\n", "expected keys and values"),
        ("name: [\n", "not YAML"),
        ("\t", "not YAML"),
        (b"\xff\xfe\x00bad", "not a UTF-8 text file"),
        (GOOD + "safety: !!python/object/apply:os.system ['true']\n", "python/object"),
        (GOOD + "task: &a {parts: 3}\nsafety: *a\n", "aliases (*name) are not accepted"),
        ("name: ../../etc\ncell: kitting\n", "name"),
        ("[" * 5000, "nested deeper"),
    ],
)
def test_hostile_or_broken_files_are_refused_for_what_they_are(tmp_path, text, said):
    assert said in refused(tmp_path, text)


def test_aliases_are_refused_before_they_grow(tmp_path):
    """Twenty lines would make a million values, were they read."""
    lines = [f"x{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(20)]
    assert "aliases" in refused(tmp_path, GOOD + "x0: &a0 [1]\n" + "".join(lines))
    # an anchor that nothing refers to copies nothing
    (tmp_path / "mine.yaml").write_text(GOOD + "task: &a {parts: 3}\n")
    assert scenarios.load(tmp_path / "mine.yaml").task == {"parts": 3}


def test_a_missing_file_an_unknown_name_and_a_folder_are_refused(tmp_path):
    for name in (tmp_path / "none.yaml", "kiting_alone", tmp_path, "x/y", ""):
        with pytest.raises(ScenarioError):
            scenarios.load(name)
    with pytest.raises(ScenarioError, match="did you mean kitting_alone"):
        scenarios.load("kiting_alone")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    assert "larger" in refused(tmp_path, "#" * (scenarios.reading.MAX_FILE + 1))


def test_overrides_reach_every_depth():
    scenario = scenarios.load(
        "kitting_shared", ["people.visits_per_hour=7", "safety={}", "task.parts=3", "seconds=9"]
    )
    assert scenario.people.visits_per_hour == 7
    assert scenario.safety == {}
    assert (scenario.task["parts"], scenario.seconds) == (3, 9)


def test_overrides_may_be_a_mapping_and_leave_it_as_it_was():
    given = {"safety": {"profile": "shared"}, "safety.reduced_speed": False, "task.parts": 3}
    parts = {"people.visits_per_hour": np.int64(7), "operator.notice": (1.0, 2.0)}
    scenario = scenarios.load("kitting_shared", {**given, **parts})
    assert scenario.safety == {"profile": "shared", "reduced_speed": False}
    assert (scenario.task["parts"], scenario.people.visits_per_hour) == (3, 7)
    assert scenario.operator.notice == (1.0, 2.0)
    assert given["safety"] == {"profile": "shared"}


def line_of(overrides):
    with pytest.raises(ScenarioError) as caught:
        scenarios.load("kitting_shared", overrides)
    line = str(caught.value)
    assert "\n" not in line and "--set" not in line and len(line) < 300
    return line


@pytest.mark.parametrize(
    "override",
    ["seconds", "=3", "seconds.x=3", "a=[", "seconds=[1]", "", "seconds=2001-99-99", "a\n=\n[",
     "title=" + "[" * 5000, "task={a: 1, a: 2}", "task={2001-01-01: 1}"],
)  # fmt: skip
def test_a_wrong_override_is_one_line(override):
    line_of([override])


def test_an_override_takes_no_aliases_either():
    assert "aliases" in line_of(["task={parts: &a 3, vision_noise: *a}"])


@pytest.mark.parametrize(
    "overrides",
    ["seconds=3", b"seconds=3", 5, None, [5], [("seconds", 3)], {5: 3}, {"title": object()},
     {"seconds.x": 3}, {"task": {(1, 2): 3}}, {"": 3}],
)  # fmt: skip
def test_overrides_of_a_wrong_type_are_one_line(overrides):
    line_of(overrides)


def test_a_parameter_of_a_profile_is_refused_with_the_words_that_set_it():
    line = line_of(["safety.tcp_speed.limit=0.3"])
    words = line.partition("; write ")[2]
    assert words == "safety={profile: shared, tcp_speed: {limit: 0.3}}"
    assert "safety is the profile 'shared'" in line
    mixed = {"profile": "shared", "tcp_speed": {"limit": 0.3}}
    assert scenarios.load("kitting_shared", [words]).safety == mixed


def test_a_scenario_that_is_read_already_takes_no_overrides():
    with pytest.raises(ScenarioError, match="kitting_alone.yaml: overrides"):
        envs.make(scenarios.load("kitting_alone"), overrides=["seconds=9"])


def test_the_fingerprint_tells_scenarios_apart_and_nothing_else():
    one = scenarios.load("kitting_alone")
    assert one.fingerprint() == scenarios.load("kitting_alone").fingerprint()
    assert one.fingerprint() != scenarios.load("kitting_alone", ["seconds=61"]).fingerprint()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_no_text_does_anything_but_load_or_be_refused(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("s") / "any.yaml"
    file.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(ScenarioError):
        scenarios.load(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e3", 1e3), ("1e-3", 1e-3), ("-2.5E+1", -25.0), ("010", 10), ("-7", -7), ("+08", 8),
     ("0o10", 8), ("0x1F", 31), ("1:30", "1:30"), ("1:30.5", "1:30.5"), ("1_000", "1_000"),
     ("0b11", "0b11"), ("3.", 3.0), (".5", 0.5), ("-.inf", float("-inf")), ("1234e56789",) * 2,
     ("٣", "٣")],
)  # fmt: skip
def test_numbers_as_json_and_yaml_12_write_them(text, value):
    assert parse(text, "here") == value and type(parse(text, "here")) is type(value)


@pytest.mark.parametrize(
    ("text", "key"),
    [('title: "\\uD800"', "title"), ("people: {a: 2020-01-01}", "people.a"),
     ("takt: !!binary aGVsbG8=", "takt"), ("scenarios: [!!set {a, b}]", "scenarios[0]")],
)  # fmt: skip
def test_what_is_neither_text_nor_number_is_named_with_its_key(text, key):
    with pytest.raises(ScenarioError, match=rf"^here: {re.escape(key)}: "):
        parse(text, "here")


LONG = f"0x{'f' * 5000}"  # Python reads it, but does not write it out in an error line


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"seconds: {LONG}", "seconds"), (f"seconds: -{'9' * 400}", "seconds"),
        (f"task: {{parts: [1, {LONG}]}}", "task.parts[1]"), (f"? {LONG}\n: 1", "a key"),
        (f"safety: {{tcp_speed: {{limit: {LONG}}}}}", "safety.tcp_speed.limit"),
    ],
)  # fmt: skip
def test_a_number_of_thousands_of_digits_is_one_line(tmp_path, text, key):
    said = refused(tmp_path, f"{GOOD}{text}\n")
    assert said.endswith(f"mine.yaml: {key}: a whole number of too many digits")


@pytest.mark.parametrize("key", ["seconds", "safety.tcp_speed.limit"])
def test_nor_is_it_an_override(key):
    with pytest.raises(ScenarioError, match="too many digits$"):
        load("kitting_shared", [f"{key}={LONG}"])
    with pytest.raises(ScenarioError, match="not a plain value"):
        load("kitting_shared", {key: int(LONG, 0)})


def test_a_service_that_no_shift_could_hold_is_refused():
    with pytest.raises(ScenarioError, match=r"operator\.local_reset\.mean"):
        load("kitting_alone", ["operator.local_reset={mean: 1.0e+30, cv: 1}"])


def test_of_a_service_time_either_number_may_be_left_out():
    texts = ["operator.jam_clear.mean=45", "operator.failure={cv: 0}"]
    operator = scenarios.load("kitting_shared", texts).operator
    assert operator.jam_clear.mean == 45.0 and operator.jam_clear.cv == 0.7
    assert operator.failure.mean == 300.0 and operator.failure.cv == 0.0
    assert "operator.rework.men: unknown key" in line_of(["operator.rework.men=45"])
    assert "operator.rework: " in line_of(["operator.rework=45"])


def test_a_time_of_day_is_no_number_of_seconds():
    assert load("kitting_alone", ["takt=010"]).takt == 10
    with pytest.raises(ScenarioError, match="takt: input should be a valid number .*1:30"):
        load("kitting_alone", ["takt=1:30"])


@pytest.mark.parametrize(
    ("text", "line"),
    [("name: mine\n\u3000seconds: 5\n", "line 2: the key seconds holds a full-width space"),
     ("people:\n\u3000\u3000visits_per_hour: 5\n", "line 2: the key visits_per_hour holds a full"),
     ("task: {a: 1, b\u3000: 2}\n", r"line 1: the key b holds a full-width space \(U\+3000\)"),
     ("name: mine\n\u00a0takt: 5\n", r"line 2: the key takt holds a space .*U\+00A0")],
)  # fmt: skip
def test_a_space_that_only_looks_like_one_is_named(tmp_path, text, line):
    assert re.search(line, refused(tmp_path, text))
    assert parse("title: 改善\u3000後", "here") == {"title": "改善\u3000後"}

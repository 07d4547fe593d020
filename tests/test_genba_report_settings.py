"""The report says what its scenarios differ in: whoever compares must know what was changed."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import pytest

from genba.bench import meta, plan
from genba.kpi import FIGURES
from genba.report import texts
from genba.report.differences import UNSET, differences
from genba.rule_names import LANGUAGES, RULE_NAMES
from genba.scenarios import Suite, load

BEFORE = {
    "robot": "panda", "takt": 7, "seconds": 400, "safety": "fence", "task": {"defective": 0.3},
}  # fmt: skip
AFTER = {
    "robot": "iiwa", "seconds": 400, "safety": {"profile": "shared", "tcp_speed": {"limit": 0.5}},
    "people.visits_per_hour": 60, "gripper": "vacuum",
    "faults": [{"what": "emergency_stop", "per_hour": 20}], "operator.distance": 30,
}  # fmt: skip


def scenarios():
    named = [("before", BEFORE), ("after", AFTER)]
    loaded = [
        load("conveyor_sorting_alone", {**changes, "name": name, "title": name})
        for name, changes in named
    ]
    asked = plan(Suite(name="s", scenarios=["a"]), loaded, ["idle"], 1, 1)
    return list(meta(asked)["scenarios"].values())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_only_what_differs_is_told_and_all_of_it(lang):
    found = {row["key"]: row["cells"] for row in differences(scenarios(), lang)}
    adapted = f"shared{texts.words(lang)['adapted']}"
    assert found == {
        "robot": ["panda", "iiwa"], "takt": ["7", "5"], "gripper": [UNSET, "vacuum"],
        "people.visits_per_hour": ["0", "60"], "operator.distance": ["10", "30"],
        "safety": ["fence", adapted], "safety.tcp_speed.limit": [UNSET, "0.5"],
        "task.defective": ["0.3", UNSET],
        "faults": [UNSET, found["faults"][1]],
    }  # fmt: skip
    assert "what: emergency_stop" in found["faults"][1] and "per_hour: 20" in found["faults"][1]
    assert differences(scenarios()[:1], lang) == []


def test_the_worst_margin_is_called_what_it_is_one_of_breaches():
    said = [texts.figure_name("worst_margin", FIGURES["worst_margin"].text, x) for x in LANGUAGES]
    assert "breaches" in said[0] and "侵害" in said[1]


def test_an_assist_of_any_length_is_no_chokotei():
    assert not [name for name, text in texts.FIGURES_JA.items() if "チョコ停" in text]
    assert "5分未満" in texts.words("ja")["all_figures_note"]


def test_separation_has_one_name_in_japanese_and_labour_its_denominator():
    told = [*texts.words("ja").values(), *texts.FIGURES_JA.values(), *texts.sources("ja")]
    told += [japanese for _, japanese in RULE_NAMES.values()]
    assert not [said for said in told if "分離" in said or "速度・間隔" in said]
    assert "計画稼働1時間" in texts.words("ja")["pareto_x"]
    assert "計画稼働1時間" in texts.FIGURES_JA["human_minutes_per_robot_hour"]

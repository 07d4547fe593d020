"""What an explanation says of a rule: named, measured in its own unit, and in both languages."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import ast
from pathlib import Path

import pytest

import genba.safety
from genba.audit import explain, reasons
from genba.audit import texts as words
from genba.rule_names import RULE_NAMES, rule_name
from genba.safety import RULES
from genba.safety.layer import LAYER
from genba.sim.grippers import GRIPPERS
from genba.sim.people import BEHAVIOURS
from genba.sim.state import REGIONS

PATHS = sorted(Path(genba.safety.__file__).parent.rglob("*.py"))
GIVEN = {"Verdict": 3, "failure": 0, "_bad": 0, "_clamped": 0}  # call: where its reason stands
HELD = ("reason", "fault", "NO_FORCE", "WRONG_SHAPE", "stale")  # names that hold one
FAULTS = ("command_fault", "state_fault", "_time_fault")  # functions that answer with one


def texts(node):
    """The texts that an expression may be; `{}` is what it names."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and node.value else []
    if isinstance(node, ast.JoinedStr):
        parts = [str(x.value) if isinstance(x, ast.Constant) else named(x) for x in node.values]
        return ["".join(parts)]
    return []


def named(node):
    return "layer" if getattr(node.value, "id", "") == "who" else "{}"


def assigned(target, value):
    """What a name that holds a reason is given, alone or among others."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return sum(map(assigned, target.elts, value.elts), [])
    return texts(value) if getattr(target, "id", "") in HELD else []


def said_in(function):
    """The reasons given in a function, or in a module for its constants."""
    out = []
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            place = GIVEN.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
            if place is not None and len(node.args) > place:
                out += texts(node.args[place])
            out += [t for word in node.keywords if word.arg == "reason" for t in texts(word.value)]
        elif isinstance(node, ast.Assign):
            out += assigned(node.targets[0], node.value)
        elif isinstance(node, ast.AugAssign) and getattr(node.target, "id", "") in HELD:
            out += [before + more for before in list(out) for more in texts(node.value)]
        elif isinstance(node, ast.Return) and getattr(function, "name", "") in FAULTS:
            out += texts(node.value)
    return out


def reasons_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    constants = ast.Module([n for n in tree.body if isinstance(n, ast.Assign)], [])
    return {said for one in [*functions, constants] for said in said_in(one)}


FOUND = {said for path in PATHS for said in reasons_in(path)}


def test_every_rule_is_named_in_both_languages_and_has_its_measure():
    assert set(RULE_NAMES) == set(reasons.MEASURES) == {*RULES, LAYER}
    english, japanese = zip(*RULE_NAMES.values(), strict=True)
    assert len(set(english)) == len(set(japanese)) == len(RULE_NAMES)
    assert all(any(c > "ぁ" for c in name) for name in japanese)
    assert rule_name("speed_separation", "ja") == "速度及び間隔の監視（speed_separation）"
    assert rule_name("clamping", "en") == "clamping"
    assert rule_name("my_own", "ja") == rule_name("my_own", "en") == "my_own"


def test_every_reason_of_the_sources_is_told_in_japanese():
    assert len(FOUND) > 60
    untold = [said for said in FOUND if reasons.reason("ja", said.replace("{}", "x")) == said]
    assert [said for said in FOUND if said not in reasons.REASONS_JA] == untold == []


def test_what_is_told_is_a_reason_that_is_given():
    told = {*reasons.REASONS_JA, *reasons.BY_REASON}
    assert told - FOUND == {"the recorder failed: {}: {}"}
    assert all(ja.count("{}") == en.count("{}") for en, ja in reasons.REASONS_JA.items())


def test_what_a_reason_names_is_kept():
    said = "visitor-3 vanished inside the monitored area"
    assert reasons.reason("ja", said) == "visitor-3 を監視区域内で見失った"
    said = "the rule failed: ValueError: {0} of (a|b)"
    assert reasons.reason("ja", said) == "規則の処理が失敗した：ValueError：{0} of (a|b)"
    assert reasons.reason("ja", "a rule of mine") == "a rule of mine"


def told(rule, reason, trigger, limit, lang="en"):
    """What is said of a rule that acts."""
    acting = {
        "rule": rule, "reason": reason, "trigger": trigger, "limit": limit,
        "margin": -abs(trigger - limit), "category": 2, "scale": 0.0, "reset": "automatic",
        "reaction": "stop category 2",
    }  # fmt: skip
    return dict(explain._rule(acting, {}, lang))


@pytest.mark.parametrize(
    ("rule", "reason", "trigger", "limit", "measured", "needed"),
    [
        ("perception_integrity", "two trackers disagree on where a person is", 0.3, 0.1,
         "distance between the two 0.3 m", "greatest one allowed 0.1 m, 0.2 m beyond it"),
        ("perception_integrity", "anna vanished inside the monitored area", 2.0, 0.0,
         "people who vanished 2", "people allowed to 0, 2 beyond it"),
        ("perception_integrity", "people not seen for too long", 0.3, 0.2,
         "age of the sight of people 0.3 s", "greatest age allowed 0.2 s, 0.1 s beyond it"),
        ("joint_limits", "joint near its limit", 2.4, 2.2,
         "where the joint would stop (rad) or its speed (rad/s) 2.4",
         "its limit 2.2, 0.2 beyond it"),
        ("joint_limits", "joint 2 is outside its range", -2.0, -1.5,
         "position of the joint -2 rad", "end of its range -1.5 rad, 0.5 rad beyond it"),
        ("joint_limits", "a joint accelerates too fast", 0.5, 0.0,
         "speed beyond what a tick of acceleration allows 0.5 rad/s",
         "what is allowed 0 rad/s, 0.5 rad/s beyond it"),
        ("stopping_limits", "it would go too far to stop", 0.5, 0.3,
         "way until it stands 0.5 m", "longest way allowed 0.3 m, 0.2 m beyond it"),
        ("standstill_zone", "a joint drifts", 0.2, 0.1,
         "drift of the joint 0.2 rad", "greatest one allowed 0.1 rad, 0.1 rad beyond it"),
        ("process_guard", "grip after grip gets hold of nothing", 3.0, 2.0,
         "grips in vain in a row 3", "greatest one allowed 2, 1 beyond it"),
        # waits, or holds on: within the limit, and not said to be beyond it
        ("contact_force", "contact with a person", 0.0, 15.0,
         "force on the robot 0 N", "force from which it is a touch 15 N"),
        ("speed_separation", "waits until the way is clear", 1.5, 0.9,
         "distance from the robot to the person 1.5 m", "separation needed to move on 0.9 m"),
        ("speed_separation", "separation below S_p", 0.5, 0.9,
         "distance from the robot to the person 0.5 m",
         "separation that is needed 0.9 m, 0.4 m short of it"),
    ],
)  # fmt: skip
def test_what_is_measured_has_the_unit_of_the_reason(
    rule, reason, trigger, limit, measured, needed
):
    said = told(rule, reason, trigger, limit)
    assert (said["Measured"], said["Limit"]) == (measured, needed)
    assert len(told(rule, reason, trigger, limit, "ja")) == len(said)


def test_a_rule_that_failed_has_measured_nothing():
    assert "Measured" not in told("pfl", "the rule failed: ValueError: no", 0.0, 0.0)


def test_what_rules_declare_of_their_reset_is_told_in_japanese():
    declared = {kind.reset for kind in RULES.values()}
    assert declared == set(words.RESETS_JA)
    said = told("pfl", "a rule of mine", 1.0, 2.0, "ja")
    assert said["解除"] == "自動"
    start = {
        "rules": {"pfl": {"reset": "automatic; after drift manual", "clause": "5.14 and Annex L"}}
    }
    acting = {"rule": "pfl", "reason": "", "margin": None, "trigger": 0.0, "limit": 0.0,
              "category": 2, "scale": 0.0, "reset": "automatic"}  # fmt: skip
    said = dict(explain._rule(acting, start, "ja"))
    assert said["解除"] == "自動（自動、変位後は人による解除）"
    assert said["根拠"] == "5.14及び附属書L"


def test_clauses_stay_but_for_the_name_of_an_annex():
    declared = "ISO 10218-2:2025 5.14.6, Annexes M, N (S); ISO/TS 15066 Annex A (R)"
    assert words.clause("en", declared) == declared
    told = "ISO 10218-2:2025 5.14.6、附属書M, N (S); ISO/TS 15066 附属書A (R)"
    assert words.clause("ja", declared) == told
    assert not any("Annex" in words.clause("ja", kind.clause) for kind in RULES.values())


def test_people_and_bodies_and_links_are_named_in_japanese():
    assert {*BEHAVIOURS, "visitor", "operator"} == set(words.PEOPLE_JA)
    assert set(REGIONS) <= set(words.REGIONS_JA)
    links = {"link", *(name for gripper in GRIPPERS.values() for name in gripper.capsules)}
    assert links <= set(words.LINKS_JA)
    assert words.named("ja", "link5", words.LINKS_JA) == "リンク5"
    assert words.named("en", "upper_arm", words.REGIONS_JA) == "upper arm"
    assert words.named("ja", "arm_of_mine", words.LINKS_JA) == "arm of mine"

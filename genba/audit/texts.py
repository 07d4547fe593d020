"""The words of an explanation, in English and Japanese; a rule without any is named plainly."""

from __future__ import annotations

from typing import Any, NamedTuple

from genba import console

LANGUAGES = ("en", "ja")
Both = tuple[str, str]  # English, Japanese


class Words(NamedTuple):
    """What a rule is called, and what its trigger and limit are."""

    title: Both
    trigger: Both
    limit: Both
    unit: str


_DISTANCE = ("distance from the robot to the person", "ロボットと人の距離")
_WAY = ("way that both may come nearer until it stands", "停止までに縮まりうる距離")
_TOOL = ("speed of the tool", "ツール速度")
_ALLOWED = ("greatest speed allowed", "許容最高速度")
_SWITCH = ("state of the switch", "スイッチの状態")
_NONE = ("at rest", "平常時")

RULES: dict[str, Words] = {
    "speed_separation": Words(
        ("speed and separation monitoring", "速度・間隔監視"), _DISTANCE,
        ("separation that is needed", "必要な保護間隔"), "m",
    ),
    "standstill_zone": Words(
        ("monitored standstill", "監視停止"),
        ("people in the zone, or drift", "ゾーン内の人または変位"),
        ("what is allowed", "許容値"), "",
    ),
    "reduced_speed": Words(("reduced speed", "低減速度"), _TOOL, _ALLOWED, "m/s"),
    "tcp_speed": Words(("tool speed limit", "ツール速度制限"), _TOOL, _ALLOWED, "m/s"),
    "joint_limits": Words(
        ("joint limits", "関節リミット"),
        ("where the joint would stop, or its speed", "予測停止位置または関節速度"),
        ("its limit", "限界値"), "rad",
    ),
    "emergency_stop": Words(("emergency stop", "非常停止"), _SWITCH, _NONE, ""),
    "finite_command": Words(
        ("check of the command", "指令値の検査"),
        ("greatest component of the action", "行動の最大成分"),
        ("greatest one allowed", "許容最大値"), "",
    ),
    "policy_watchdog": Words(
        ("policy watchdog", "方策ウォッチドッグ"),
        ("bad answers in a row", "連続した不正な応答の数"),
        ("answers allowed", "許容数"), "",
    ),
    "perception_integrity": Words(
        ("perception integrity", "知覚の健全性"), ("age of the sight of people", "人の検出の古さ"),
        ("greatest age allowed", "許容最大値"), "s",
    ),
    "ssm_reach": Words(("verified stop", "検証済み停止"), _DISTANCE, _WAY, "m"),
    "pfl": Words(("power and force limiting", "動力・力制限"), _DISTANCE, _WAY, "m"),
    "contact_force": Words(
        ("contact force", "接触力"), ("force on the robot", "ロボットへの力"),
        ("greatest force allowed", "許容最大力"), "N",
    ),
    "collision": Words(
        ("collision with equipment", "設備との衝突"), ("force on the robot", "ロボットへの力"),
        ("greatest force allowed", "許容最大力"), "N",
    ),
    "clamping": Words(
        ("clamping", "挟み込み"), ("time of the contact", "接触の時間"),
        ("longest time allowed", "許容最長時間"), "s",
    ),
    "guard_interlock": Words(("guard interlock", "ガードインターロック"), _SWITCH, _NONE, ""),
    "human_authority": Words(("human authority", "人の優先"), _SWITCH, _NONE, ""),
    "braking_ramp": Words(
        ("braking ramp", "制動ランプ監視"), ("time it still needs to stand", "停止までの残り時間"),
        ("time the ramp leaves", "ランプが許す時間"), "s",
    ),
    "configuration_integrity": Words(
        ("configuration integrity", "設定の完全性"), _SWITCH, _NONE, ""
    ),
    "recorder_health": Words(
        ("recorder health", "記録装置の健全性"),
        ("time since the record failed", "記録不能になってからの時間"),
        ("time in which the cycle may be finished", "サイクル完了までの猶予"), "s",
    ),
    "process_guard": Words(
        ("process guard", "工程監視"), ("what was counted or measured", "計数または測定値"),
        ("what is allowed", "許容値"), "",
    ),
    "uncertainty": Words(
        ("uncertainty of the policy", "方策の不確かさ"), ("uncertainty", "不確かさ"),
        ("threshold", "しきい値"), "",
    ),
    "operator_load": Words(
        ("operator load", "作業者の負荷"), ("load", "負荷"), ("greatest load", "最大負荷"), "",
    ),
    "safety_layer": Words(
        ("the safety layer's own checks", "安全レイヤー自身の検査"),
        ("value", "値"), ("limit", "限界値"), "",
    ),
}  # fmt: skip

REASONS_JA: dict[str, str] = {
    "no speed keeps the separation": "どの速度でも必要な間隔を保てない",
    "waits until the way is clear": "通路が空くのを待っている",
    "separation below S_p": "間隔が保護間隔 S_p を下回る",
    "no stop would be clear of a person": "どの停止でも人を避けられない",
    "waits until the way stays clear": "通路が空いた状態が続くのを待っている",
    "a stop at full speed would not be clear": "この速度からの停止では人を避けられない",
    "a person is in the zone": "人がゾーン内にいる",
    "a person is near": "人が近くにいる",
    "the cell asks for reduced speed": "セルが低減速度を要求している",
    "tool too fast": "ツールが速すぎる",
    "joint near its limit": "関節が限界に近い",
    "emergency stop": "非常停止が押された",
    "emergency stop on a fault": "故障による非常停止",
    "the action is not finite": "行動が有限の数でない",
    "the action is outside its space": "行動が範囲外である",
    "people not seen for too long": "人を検出できない時間が長すぎる",
    "a joint drifts": "停止中に関節が動いた",
    "the tool drifts": "停止中にツールが動いた",
    "does not stand": "時間内に停止しない",
    "no record is kept": "記録ができない",
    "no record is kept: the robot finishes its cycle": "記録ができない:サイクルを完了する",
    "a person is inside the fence": "柵の中に人がいる",
    "the guard is open": "ガードが開いている",
    "a part was dropped": "部品が落下した",
    "a part is in the wrong place": "部品の位置が誤っている",
    "the part in hand jams": "把持した部品が引っ掛かった",
    "a collision": "衝突",
    "a collision again": "再度の衝突",
    "a hard collision": "強い衝突",
}

REGIONS_JA = {
    "skull": "頭部", "face": "顔", "neck": "首", "back": "背中", "chest": "胸", "abdomen": "腹部",
    "pelvis": "骨盤", "upper_arm": "上腕", "lower_arm": "前腕", "hand": "手", "thigh": "大腿",
    "lower_leg": "下腿",
}  # fmt: skip

CATEGORIES: dict[int, Both] = {
    0: ("the power is cut and the brakes fall in", "動力を遮断し、ブレーキを作動"),
    1: ("it brakes to standstill, then the power is cut", "停止まで減速し、その後動力を遮断"),
    2: ("it brakes to standstill and stays powered", "停止まで減速し、動力を保持"),
}

_TEXTS: dict[str, Both] = {
    "head": ("Event {n}, {time:.2f} s into {what}", "イベント {n}、{what} の {time:.2f} 秒"),
    "seed": ("{scenario}, seed {seed}, agent {agent}", "{scenario}(シード {seed}、{agent})"),
    "stopped": ("The robot is stopped: {rule}.", "ロボットは停止した:{rule}。"),
    "stricter": (
        "The stop that was on becomes stricter: {rule}.",
        "停止がより厳しくなった:{rule}。",
    ),
    "slowed": (
        "The robot is slowed to {share:.0%} of what was asked: {rule}.",
        "ロボットは指令の {share:.0%} に減速した:{rule}。",
    ),
    "acts": ("Acts from now on: {rule}.", "作動開始:{rule}。"),
    "off": (
        "No longer acts, after {duration:.2f} s: {rule}.",
        "作動終了({duration:.2f} 秒間):{rule}。",
    ),
    "automatic": (
        "The stop of {duration:.2f} s ends by itself: {rule}.",
        "{duration:.2f} 秒の停止が自動的に解除された:{rule}。",
    ),
    "manual": (
        "A person resets the stop of {duration:.2f} s: {rule}.",
        "人が {duration:.2f} 秒の停止を解除した:{rule}。",
    ),
    "still": ("Still stopped: {rule}.", "引き続き停止中:{rule}。"),
    "why": ("Why", "理由"),
    "measured": ("Measured", "測定値"),
    "needed": ("Limit", "限界値"),
    "beyond": ("{margin} beyond it", "{margin} 超過"),
    "source": ("Source", "根拠"),
    "reaction": ("Reaction", "反応"),
    "scaled": ("all speeds times {scale:.3g}", "全速度を {scale:.3g} 倍"),
    "category": ("stop category {category}: {words}", "停止カテゴリー {category}:{words}"),
    "motion": ("another motion than the one asked", "指令とは別の動作"),
    "none_yet": ("none yet, the robot moves on", "まだなし、動作を続ける"),
    "reset": ("Reset", "解除"),
    "reset_manual": ("a person must reset it", "人による解除が必要"),
    "reset_automatic": ("by itself", "自動"),
    "declared": ("({text})", "({text})"),
    "person": ("Nearest person", "最も近い人"),
    "where": (
        "{name} ({role}, {behaviour}): {region} at {distance:.3f} m from the robot's {link}",
        "{name}({role}、{behaviour}):{region}、ロボットの {link} から {distance:.3f} m",
    ),
    "body": ("body", "体"),
    "link": ("body", "本体"),
    "seen": ("as seen {age:.2f} s before", "{age:.2f} 秒前の検出"),
    "nobody": ("nobody is seen", "人は検出されていない"),
    "robot": ("Robot", "ロボット"),
    "speed": (
        "its tool moves at {now:.3f} m/s; asked for {asked:.3f} m/s, let through {let:.3f} m/s",
        "ツール速度 {now:.3f} m/s、指令 {asked:.3f} m/s、許可 {let:.3f} m/s",
    ),
    "part": ("Part", "部品"),
    "held": ("the gripper holds {name}", "グリッパーが {name} を把持"),
    "near": ("{name} is {distance:.3f} m from the tool", "{name} はツールから {distance:.3f} m"),
    "opaque": ("The inputs were no plain values: no drawing.", "入力が数値でないため図はない。"),
    "no_bodies": (
        "The inputs hold no bodies that could be drawn: no drawing.",
        "入力に描ける形がないため図はない。",
    ),
    "only_ends": (
        "Nothing began: what the rules were given is not kept, no drawing.",
        "何も始まっていないため入力は記録されず、図はない。",
    ),
    "by_person": (
        "The inputs of a reset are its time and who: no drawing.",
        "解除のため図はない。",
    ),
    "legend": (
        "seen from above: # robot  o {name}  . others  R-P the nearest points, {distance:.3f} m",
        "上面図:# ロボット  o {name}  . 他の人  R-P 最近点 {distance:.3f} m",
    ),
    "alone": ("seen from above: # robot  + its base", "上面図:# ロボット  + 台座"),
    "top": ("from above", "上面"),
    "side": ("from the side", "側面"),
    "level": ("height of the robot's foot", "ロボット設置面"),
}


def text(lang: str, key: str, **values: Any) -> str:
    """A sentence with its values filled in."""
    return _TEXTS[key][LANGUAGES.index(lang)].format(**values)


def pick(lang: str, both: Both) -> str:
    """One of two languages."""
    return both[LANGUAGES.index(lang)]


def words(rule: str) -> Words:
    """What is said of a rule; of one that has no words here, its name."""
    title = rule.replace("_", " ")
    return RULES.get(rule) or Words((title, title), ("value", "値"), ("limit", "限界値"), "")


def reason(lang: str, said: str) -> str:
    """A verdict's reason; one that was not translated stays English."""
    return REASONS_JA.get(said, said) if lang == "ja" else said


def clean(value: object) -> str:
    """A text of a stranger's log without what a terminal would obey."""
    return console.clean(str(value)[:200])

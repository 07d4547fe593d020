"""What a rule measures, in which unit, and its reasons in Japanese; `{}` is whatever is named."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

Both = tuple[str, str]  # English, Japanese
MOST, LEAST, RANGE = "most", "least", "range"  # what a limit is: never above, never below, either


class Measure(NamedTuple):
    """What a trigger and its limit are, and their unit; empty: none, or one of several."""

    trigger: Both
    limit: Both
    unit: str = ""
    bound: str = MOST


_DISTANCE = ("distance from the robot to the person", "ロボットと人の距離")
_WAY = ("way that both may come nearer until it stands", "停止までに縮まりうる距離")
_TOOL = ("speed of the tool", "ツール速度")
_FORCE = ("force on the robot", "ロボットが受ける力")
_FASTEST = ("greatest speed allowed", "許容最高速度")
_MOST = ("greatest one allowed", "許容最大値")
_ALLOWED = ("what is allowed", "許容値")
_STATE = Measure(("state of the switch", "スイッチの状態"), ("at rest", "平常時"))
ANY = Measure(("value", "測定値"), ("limit", "限界値"), "", RANGE)  # of a rule unknown here

# rule: what it measures where its reason does not say it, below
MEASURES: dict[str, Measure] = {
    "joint_limits": Measure(
        ("where the joint would stop (rad) or its speed (rad/s)",
         "関節の予測停止位置（rad）または速度（rad/s）"),
        ("its limit", "限界値"), "", RANGE,
    ),
    "space_limits": Measure(
        ("speed towards the end of its space", "動作空間の境界への接近速度"),
        ("speed from which it can stop there", "境界までに停止できる速度"), "m/s",
    ),
    "stopping_limits": Measure(
        ("time (s) or way (m) until it stands", "停止までの時間（s）または距離（m）"), _MOST
    ),
    "tcp_speed": Measure(_TOOL, _FASTEST, "m/s"),
    "barrier": Measure(
        ("speed towards the person or zone", "人または区域への接近速度"), _FASTEST, "m/s"
    ),
    "collision": Measure(_FORCE, ("greatest force allowed", "許容最大力"), "N"),
    "emergency_stop": _STATE,
    "guard_interlock": _STATE,
    "human_authority": _STATE,
    "clamping": Measure(
        ("time of the contact", "接触の継続時間"), ("longest time allowed", "許容最長時間"), "s"
    ),
    "contact_force": Measure(_FORCE, ("greatest force allowed", "許容最大力"), "N"),
    "speed_separation": Measure(
        _DISTANCE, ("separation that is needed", "必要な保護間隔"), "m", LEAST
    ),
    "ssm_reach": Measure(_DISTANCE, _WAY, "m", LEAST),
    "pfl": Measure(_DISTANCE, _WAY, "m", LEAST),
    "standstill_zone": Measure(("people in the zone, or drift", "区域内の人または変位"), _ALLOWED),
    "reduced_speed": Measure(_TOOL, _FASTEST, "m/s"),
    "finite_command": Measure(("greatest component of the action", "行動の最大成分"), _MOST),
    "policy_watchdog": Measure(
        ("bad answers in a row", "連続した不正な応答の数"),
        ("number from which it is held", "保持に入る数"),
    ),
    "perception_integrity": Measure(("what was seen", "検出の値"), _ALLOWED),
    "braking_ramp": Measure(
        ("time it still needs to stand", "停止までの残り時間"),
        ("time the ramp leaves", "ランプが許す時間"), "s",
    ),
    "configuration_integrity": _STATE,
    "recorder_health": Measure(
        ("time since the record failed", "記録不能になってからの時間"),
        ("time in which the cycle may be finished", "サイクル完了までの猶予"), "s",
    ),
    "process_guard": Measure(("what was counted or measured", "計数または測定値"), _ALLOWED),
    "uncertainty": Measure(
        ("uncertainty score", "不確かさの指標"), ("threshold", "しきい値")
    ),
    "operator_load": Measure(("load", "負荷"), ("greatest load", "最大負荷")),
    "safety_layer": ANY,
}  # fmt: skip

# reason: what its rule measures then, where it measures several things
BY_REASON: dict[str, Measure] = {
    "joint {} is outside its range": Measure(
        ("position of the joint", "関節の位置"), ("end of its range", "可動範囲の端"), "rad", RANGE
    ),
    "a joint accelerates too fast": Measure(
        ("speed beyond what a tick of acceleration allows", "1周期の加速の許容を超える速度"),
        _ALLOWED, "rad/s",
    ),
    "the robot is outside its space": Measure(
        ("way beyond the end of its space", "動作空間の境界からの逸脱"), _MOST, "m"
    ),
    "it would take too long to stop": Measure(
        ("time until it stands", "停止までの時間"), ("longest time allowed", "許容最長時間"), "s"
    ),
    "it would go too far to stop": Measure(
        ("way until it stands", "停止までの距離"), ("longest way allowed", "許容最大距離"), "m"
    ),
    "the measured force is none": Measure(_FORCE, ("force that counts", "力のしきい値"), "N"),
    "contact with a person": Measure(
        _FORCE, ("force from which it is a touch", "接触とみなす力"), "N"
    ),
    "a contact above the region's limit": Measure(
        ("force of the contact", "接触力"), ("limit of the region of the body", "身体部位の限度値"),
        "N",
    ),
    "waits until the way is clear": Measure(
        _DISTANCE, ("separation needed to move on", "再開に必要な間隔"), "m", LEAST
    ),
    "does not stand": Measure(
        ("time since it was to stand", "停止指令からの時間"),
        ("longest time allowed", "許容最長時間"), "s",
    ),
    "a joint drifts": Measure(("drift of the joint", "関節の変位"), _MOST, "rad"),
    "the tool drifts": Measure(("drift of the tool", "ツールの変位"), _MOST, "m"),
    "people not seen for too long": Measure(
        ("age of the sight of people", "人の検出の古さ"), ("greatest age allowed", "許容最大値"),
        "s",
    ),
    "{} vanished inside the monitored area": Measure(
        ("people who vanished", "見失った人数"), ("people allowed to", "許容人数")
    ),
    "two trackers disagree on where a person is": Measure(
        ("distance between the two", "二つの検出位置の差"), _MOST, "m"
    ),
    "grip after grip gets hold of nothing": Measure(
        ("grips in vain in a row", "連続した把持失敗の回数"), _MOST
    ),
    "the part in hand jams": Measure(
        ("force on the part in hand", "把持した部品が受ける力"),
        ("greatest force allowed", "許容最大力"), "N",
    ),
    "the operator is called too often": Measure(
        ("calls in 10 min", "10分間の呼出し回数"), ("greatest number allowed", "許容最大回数")
    ),
    "the cell asks too much attention of its operator": Measure(
        ("attention demand", "注意要求度"), _MOST
    ),
}  # fmt: skip

REASONS_JA: dict[str, str] = {
    "joint {} is outside its range": "第{}関節が可動範囲を外れている",
    "joint near its limit": "関節が限界に近い",
    "a joint accelerates too fast": "関節の加速が速すぎる",
    "no motion keeps the joint limits": "関節の限界を守れる動作がない",
    "the robot is outside its space": "ロボットが動作空間の外に出ている",
    "the robot nears the end of its space": "ロボットが動作空間の境界に近づいている",
    "no motion keeps the space limits": "動作空間を守れる動作がない",
    "no motion suits both {} and {}": "{} と {} の両方を守れる動作がない",
    "it would take too long to stop": "停止までの時間が長すぎる",
    "it would go too far to stop": "停止までの距離が長すぎる",
    "tool too fast": "ツールが速すぎる",
    "no motion keeps the distance": "距離を保てる動作がない",
    "a person or zone is near": "人または区域が近い",
    "a collision": "設備と衝突した",
    "a collision again": "再び衝突した",
    "a hard collision": "強く衝突した",
    "a collision that backing off did not end": "後退しても衝突の力が続いている",
    "the measured force is none": "力の測定値が無効である",
    "emergency stop": "非常停止が作動した",
    "emergency stop on a fault": "故障により非常停止が作動した",
    "the guard is open": "ガードが開いている",
    "a person is inside the fence": "柵の中に人がいる",
    "a person has taken over": "人が操作を引き継いだ",
    "a touch that lasts": "接触が続いている",
    "a body part between two sides": "身体の一部が両側から挟まれている",
    "contact with a person": "人と接触した",
    "a contact above the region's limit": "接触力が身体部位の限度値を超えた",
    "no speed keeps the separation": "どの速度でも必要な保護間隔を保てない",
    "waits until the way is clear": "間隔が回復するのを待っている",
    "separation below S_p": "間隔が保護間隔 S_p を下回る",
    "no stop would be clear of a person": "どの速度からも人に達する前に停止できない",
    "waits until the way stays clear": "間隔の回復が続くのを待っている",
    "a stop at full speed would not be clear": "指令速度からでは人に達する前に停止できない",
    "a person is in the zone": "人が区域内にいる",
    "does not stand": "時間内に停止しない",
    "a joint drifts": "停止中に関節が動いた",
    "the tool drifts": "停止中にツールが動いた",
    "a person is near": "人が近くにいる",
    "the cell asks for reduced speed": "セルが低減速度を要求している",
    "the action is outside its space": "行動が範囲外である",
    "the action is not finite": "行動が有限の数でない",
    "the policy is late": "方策の応答が遅れている",
    "the policy's answer is no action": "方策の応答が行動になっていない",
    "the policy is late, again and again: a person takes over":
        "方策の応答遅れが繰り返された：人が引き継ぐ",
    "the policy's answer is no action, again and again: a person takes over":
        "方策の不正な応答が繰り返された：人が引き継ぐ",
    "the policy is late, for too long: a person takes over":
        "方策の応答遅れが続いている：人が引き継ぐ",
    "the policy's answer is no action, for too long: a person takes over":
        "方策の不正な応答が続いている：人が引き継ぐ",
    "people not seen for too long": "人を検出できない時間が長すぎる",
    "{} is seen with no body": "{} の身体が検出されていない",
    "{} vanished inside the monitored area": "{} を監視区域内で見失った",
    "two trackers disagree on where a person is": "二つの追跡装置で人の位置が食い違っている",
    "the robot slows down less than declared": "減速が仕様の値に達していない",
    "configuration {} is not the declared {}": "設定 {} が登録された {} と一致しない",
    "no record is kept": "記録ができない",
    "no record is kept: the robot finishes its cycle":
        "記録ができない：サイクルを完了してから停止する",
    "a part was dropped": "部品が落下した",
    "a part is in the wrong place": "部品の位置が誤っている",
    "grip after grip gets hold of nothing": "把持の失敗が続いている",
    "the part in hand jams": "把持した部品が引っ掛かった",
    "the policy does not know what it sees: a person is asked":
        "方策が状況を判断できない：人を呼び出した",
    "the cell asks too much attention of its operator": "セルが作業者に求める注意が多すぎる",
    "the operator is called too often": "作業者の呼出しが多すぎる",
    # what the layer itself finds
    "the rule failed: {}: {}": "規則の処理が失敗した：{}：{}",
    "the layer failed: {}: {}": "安全レイヤーの処理が失敗した：{}：{}",
    "the recorder failed: {}: {}": "記録装置の処理が失敗した：{}：{}",
    "people were not seen for too long": "人を検出できなかった時間が長すぎる",
    "the state is stale: time does not advance": "状態が古い：時刻が進んでいない",
    "the state is stale: ticks are missing": "状態が古い：周期が抜けている",
    "the command has the wrong shape": "指令の配列の形が正しくない",
    "the command is not finite": "指令が有限の数でない",
    "the state has no robot {}": "状態にロボット {} がない",
    "the measured robot has the wrong shape": "ロボットの測定値の形が正しくない",
    "the measured robot is not finite, or impossibly far away or thin":
        "ロボットの測定値が有限の数でないか、あり得ない位置または太さである",
    "a measured person has the wrong shape, or no body":
        "人の測定値の形が正しくないか、身体がない",
    "the rule gave no verdict": "規則が判定を返さなかった",
    "the rule's scale is outside [0, 1]": "規則の速度比率が [0, 1] の範囲外である",
    "the rule named no stop category": "規則の停止カテゴリーが正しくない",
    "the rule's motion is no motion of this robot": "規則の動作がこのロボットのものでない",
    "the rule's grip is none": "規則の把持の指令が無効である",
    "the rule latches without a stop category": "規則が停止カテゴリーなしで停止を保持しようとした",
}  # fmt: skip


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Those that name something; whoever named it may have put anything there."""
    named = [key for key in REASONS_JA if "{}" in key]
    return tuple((re.compile("(.*?)".join(map(re.escape, k.split("{}")))), k) for k in named)


def _key(said: str) -> tuple[str, tuple[str, ...]]:
    """The reason as it is listed here, and what it names; one that is not is its own."""
    if said not in REASONS_JA:
        for pattern, key in _patterns():
            if found := pattern.fullmatch(said):
                return key, found.groups()
    return said, ()


def reason(lang: str, said: str) -> str:
    """A verdict's reason; one that was not translated stays English."""
    key, named = _key(said)
    return REASONS_JA[key].format(*named) if lang == "ja" and key in REASONS_JA else said


def measure(rule: str, said: str) -> Measure:
    """What a rule has measured that gives this reason."""
    return BY_REASON.get(_key(said)[0]) or MEASURES.get(rule, ANY)


def beyond(bound: str, trigger: float, limit: float) -> bool:
    """Whether a limit is passed; a rule that waits, or holds on, acts within it too."""
    return trigger > limit if bound == MOST else trigger < limit if bound == LEAST else True

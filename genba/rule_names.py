"""What a safety rule is called, in English and Japanese: the one catalogue of all that is read."""

from __future__ import annotations

LANGUAGES = ("en", "ja")

# rule: (English, Japanese); terms of JIS B 8433 (ISO 10218) where it has one
RULE_NAMES: dict[str, tuple[str, str]] = {
    "joint_limits": ("joint limits", "関節の軸制限"),
    "space_limits": ("space limits", "動作空間の制限"),
    "stopping_limits": ("stopping time and distance limits", "停止時間・停止距離の制限"),
    "tcp_speed": ("tool speed limit", "ツール速度の制限"),
    "barrier": ("control barrier function", "制御バリア関数"),
    "collision": ("collision with equipment", "設備との衝突検知"),
    "emergency_stop": ("emergency stop", "非常停止"),
    "guard_interlock": ("guard interlock", "ガードインターロック"),
    "human_authority": ("human authority", "人の操作の優先"),
    "clamping": ("clamping", "挟まれ検知"),
    "contact_force": ("contact force", "接触力の監視"),
    "speed_separation": ("speed and separation monitoring", "速度及び間隔の監視"),
    "ssm_reach": ("speed and separation by a verified stop", "停止検証による速度及び間隔の監視"),
    "pfl": ("power and force limiting", "動力・力の制限"),
    "standstill_zone": ("monitored standstill", "監視停止"),
    "reduced_speed": ("reduced speed", "低減速度制御"),
    "finite_command": ("check of the command", "指令値の検査"),
    "policy_watchdog": ("policy watchdog", "方策の応答監視"),
    "perception_integrity": ("perception integrity", "人検知の健全性監視"),
    "braking_ramp": ("braking ramp", "制動ランプの監視"),
    "configuration_integrity": ("configuration integrity", "設定の同一性監視"),
    "recorder_health": ("recorder health", "記録装置の健全性監視"),
    "process_guard": ("process guard", "工程異常の監視"),
    "uncertainty": ("uncertainty of the policy", "方策の不確かさの監視"),
    "operator_load": ("operator load", "作業者の呼出し負荷"),
    "safety_layer": ("the safety layer's own checks", "安全レイヤー自身の検査"),
}


def rule_name(rule: str, lang: str) -> str:
    """What a rule is called, and its key; a stranger's own has its key alone."""
    if rule not in RULE_NAMES:
        return rule
    name = RULE_NAMES[rule][LANGUAGES.index(lang)]
    if name == rule:
        return name
    return f"{name}（{rule}）" if lang == "ja" else f"{name} ({rule})"

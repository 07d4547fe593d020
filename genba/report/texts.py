"""What the report calls states, causes, figures and units, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genba.report.words import WORDS
from genba.rule_names import LANGUAGES

# state: (English, Japanese, colour)
STATES: dict[str, tuple[str, str, str]] = {
    "producing": ("producing", "生産中", "#009E73"),
    "slowed": ("slowed", "減速運転", "#9AD9C3"),
    "standstill": ("standstill, resumes by itself", "保護停止（自動復帰）", "#F0E442"),
    "stopped": ("stopped, needs a person", "停止（要リセット）", "#D55E00"),
    "waiting": ("waiting for a person", "呼出し・人待ち", "#E69F00"),
    "serving": ("being served", "復旧作業中", "#CC79A7"),
    "starved": ("starved", "材料待ち", "#56B4E9"),
    "blocked": ("blocked", "払出し待ち", "#0072B2"),
    "changeover": ("changeover", "トレイ交換", "#7B6FB0"),
    "idle": ("idle", "手待ち", "#9A9A9A"),
}

# cause: (Japanese, colour); a cause has the same colour in every chart of every report
CAUSES: dict[str, tuple[str, str]] = {
    "cycle_overtime": ("サイクルオーバー", "#0072B2"),
    "dropped_part": ("落下", "#D55E00"),
    "misplaced_part": ("置きミス", "#E69F00"),
    "protective_stop": ("保護停止", "#009E73"),
    "contact": ("接触", "#56B4E9"),
    "guard_interlock": ("ガード開放・柵内進入", "#7B6FB0"),
    "emergency_stop": ("非常停止", "#F0E442"),
    "takeover": ("手動介入", "#9AD9C3"),
    "clamping": ("挟まれ", "#8C2D04"),
    "configuration": ("設定の不一致", "#A6761D"),
    "recorder": ("記録装置の異常", "#5B6670"),
    "collision": ("設備との衝突", "#1B3A57"),
    "brakes": ("制動力不足", "#B2DF8A"),
    "policy_failure": ("方策の応答異常", "#F4A6C0"),
    "process": ("工程異常", "#FFD08A"),
    "uncertainty": ("判断に自信なし", "#B8B0E6"),
    "manual_reset": ("手動リセット", "#00594A"),
}
UNKNOWN = "#B0B0B0"  # a cause or a state that has no colour

# figure: Japanese name and unit; English comes from the catalogue of figures itself
FIGURES_JA: dict[str, str] = {
    "episodes": "エピソード数",
    "pbt_hours": "計画稼働時間（PBT）",
    "cycles": "サイクル数",
    "human_present_hours": "人がセル内にいた時間",
    "good_parts": "良品数",
    "good_parts_per_hour": "時間当たり良品数",
    "good_parts_per_hour_shared": "訪問者がいる時間当たり良品数",
    "scrap_parts": "不良流出数",
    "lost_parts": "流れ去り・損失数",
    "dropped_parts": "落下回数",
    "rejected_parts": "不良の正しい除去数",
    "oee": "設備総合効率（OEE）",
    "availability": "時間稼働率",
    "effectiveness": "性能稼働率",
    "quality_ratio": "良品率",
    "cycle_time_mean": "サイクルタイム（平均）",
    "cycle_time_p95": "サイクルタイム（95 %点）",
    "cycle_time_to_takt": "サイクルタイム／タクト比",
    "takt_attainment": "タクト達成率（良品数／必要数）",
    "first_pass_yield": "直行率（手直し・人手介入なし）",
    "mtbf": "平均故障間隔（MTBF）",
    "mttr": "平均復旧時間（MTTR）",
    "apt_seconds": "実生産時間（APT）",
    "adet_seconds": "遅れ時間（ADET）",
    "adot_seconds": "停止時間（ADOT）",
    "aust_seconds": "段取り時間（AUST）",
    "adet_share": "遅れ時間の割合",
    "adot_share": "停止時間の割合",
    "aust_share": "段取り時間の割合",
    "interventions": "介入回数",
    "interventions_per_hour": "時間当たり介入回数",
    "interventions_per_1000_good_parts": "良品1000個当たり介入回数",
    "interventions_by_robot": "ロボットからの呼出しによる介入",
    "interventions_by_person": "人が始めた介入",
    "interventions_by_safety": "安全リセットのための介入",
    "assists": "アシスト",
    "failures": "故障停止",
    "mtbi": "平均介入間隔（MTBI）",
    "mtba": "平均アシスト間隔（MTBA）",
    "mcbi": "介入間の平均サイクル数（MCBI）",
    "mcba": "アシスト間の平均サイクル数（MCBA）",
    "human_minutes_per_robot_hour": "計画稼働1時間当たりの人の作業時間",
    "response_time_mean": "呼出しから到着まで（平均）",
    "recovery_time_mean": "呼出しから自律運転の再開まで（平均）",
    "intervened_share": "介入中の時間の割合",
    "attention_demand": "注意要求度（RAD）",
    "fan_out": "一人で見られるセル数（1/RAD）",
    "autonomous_good_parts": "人手介入なしの良品数",
    "aided_good_parts": "人手介入ありの良品数",
    "autonomous_share": "人手介入なしの良品の割合",
    "cell_entries_per_hour": "時間当たりのセルへの立入り",
    "peak_requests_10min": "10分間の最多呼出し",
    "ssm_breaches": "間隔の侵害",
    "breach_seconds": "間隔の侵害時間",
    "worst_margin": "侵害時の最小余裕（d - S*）",
    "contacts": "人との接触",
    "contacts_moving": "動作中のロボットによる接触",
    "clampings": "挟まれ",
    "max_force_ratio": "最大力／限度値",
    "max_force_ratio_moving": "最大力／限度値（ロボット動作中）",
    "max_energy_ratio": "最大エネルギー／限度値",
    "stops_automatic_per_hour": "自動復帰する停止（時間当たり）",
    "stops_latched": "リセットを要する停止",
    "scaled_share": "安全による減速時間の割合",
    "hazard_rate_upper": "限度超えの力の発生率の95 %上限",
}

UNITS_JA = {
    "parts": "個", "parts/h": "個/時", "1/h": "回/時", "1/1000 parts": "回/1000個", "h": "時間",
    "min/h": "分/時", "count": "回", "episodes": "件", "cycles": "サイクル", "cells": "台",
}  # fmt: skip

SOURCES = (
    ("ISO 22400-2 (times, OEE, quality ratio)", "ISO 22400-2（時間区分、OEE、良品率）"),
    ("SEMI E10 (assist, failure, interrupt)", "SEMI E10（アシスト、故障、中断）"),
    ("ISO/TS 15066 and ISO 10218-2 Annex L (separation, two-body contact model)",
     "ISO/TS 15066、ISO 10218-2 附属書L（間隔、接触の二体モデル）"),
    ("Olsen & Goodrich (attention demand, fan-out; formulas recalled, unverified)",
     "Olsen & Goodrich（注意要求度、一人で見られるセル数。式は記憶による、未検証）"),
)  # fmt: skip


def words(lang: str) -> dict[str, str]:
    """Every word of the report in one language."""
    which = LANGUAGES.index(lang)
    return {key: pair[which] for key, pair in WORDS.items()}


def state_name(state: str, lang: str) -> str:
    """What a state of the cell is called."""
    known = STATES.get(state)
    return state if known is None else known[LANGUAGES.index(lang)]


def cause_name(cause: str, lang: str) -> str:
    """What a cause of a request is called."""
    plain = cause.replace("_", " ")
    return CAUSES[cause][0] if lang == "ja" and cause in CAUSES else plain


def cause_colour(cause: str) -> str:
    """What a cause of a request is drawn in."""
    return CAUSES[cause][1] if cause in CAUSES else UNKNOWN


def profile_name(safety: Any, rules: Sequence[str], lang: str) -> str:
    """What a scenario's `safety` stands for: a profile, rules of its own, or nothing at all."""
    word = words(lang)
    if not rules:
        return word["unprotected"]
    if isinstance(safety, str):
        return safety
    base = safety.get("profile") if isinstance(safety, dict) else None
    return f"{base}{word['adapted']}" if base else word["own_rules"]


def sources(lang: str) -> list[str]:
    """Where the figures and limits come from."""
    return [pair[LANGUAGES.index(lang)] for pair in SOURCES]


def figure_name(name: str, catalogue_text: str, lang: str) -> str:
    """What a figure is called."""
    if lang == "ja":
        if name.endswith("_share") and name.removesuffix("_share") in STATES:
            return f"時間の割合：{STATES[name.removesuffix('_share')][1]}"
        if name.startswith("cell_availability_"):
            return f"{name.rsplit('_', 1)[1]}セルを一人で見るときの可動率"
        return FIGURES_JA.get(name, catalogue_text)
    return catalogue_text


def unit_name(unit: str, lang: str) -> str:
    """What a unit is called; a ratio has none."""
    if unit == "1" or (unit == "count" and lang == "en"):
        return ""
    return UNITS_JA.get(unit, unit) if lang == "ja" else unit


# the phrases of safety.standards.regime
REGIMES_JA = (
    ("idealised 3-D skeleton: a research deviation from ISO 13855",
     "理想化した3次元骨格検出（ISO 13855 から外れる研究用の仮定）"),
    ("at a detection capability of", "検出能力"),
    ("body detection", "身体の検出"),
)  # fmt: skip


def regime_name(regime: str, lang: str) -> str:
    """What C follows from."""
    for english, japanese in (*REGIMES_JA, (", ", "、")) if lang == "ja" else ():
        regime = regime.replace(english, japanese)
    return regime


def missing() -> list[Any]:
    """Keys without a text in one of the languages; a test keeps this empty."""
    return [key for key, pair in WORDS.items() if len(pair) != 2 or not all(pair)]

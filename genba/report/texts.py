"""The words of the report, in English and in the Japanese of a shop floor."""

from __future__ import annotations

from typing import Any

LANGUAGES = ("en", "ja")

# key: (English, Japanese)
WORDS: dict[str, tuple[str, str]] = {
    "title": ("Benchmark", "ベンチマーク"),
    "contents": ("Contents", "目次"),
    "summary": ("What was run", "実行内容"),
    "suite": ("Suite", "スイート"),
    "scenarios": ("Scenarios", "シナリオ"),
    "agents": ("Agents", "エージェント"),
    "agent": ("Agent", "エージェント"),
    "episodes": ("Episodes", "エピソード"),
    "episodes_each": (
        "per agent and scenario",
        "（エージェント・シナリオごと）",
    ),
    "seeds": ("Seeds", "シード"),
    "same_seeds": ("the same for every agent", "全エージェント共通"),
    "hours": ("Simulated time", "シミュレーション時間"),
    "hours_unit": ("h", "時間"),
    "date": ("Date", "実施日"),
    "version": ("Version", "バージョン"),
    "notice_title": ("How to read these numbers", "この数値の読み方"),
    "notice_safety": (
        "Nothing here is a certified safety function. The safety layer is a non-safety-rated "
        "research model of functions described in ISO 10218 and ISO/TS 15066; a number from "
        "simulation is no evidence of conformity.",
        "本結果は認証された安全機能ではありません。安全レイヤは ISO 10218・ISO/TS 15066 に"
        "記載された機能を模した研究用モデル（安全関連部ではない）であり、"
        "シミュレーションの数値は適合の証拠になりません。",
    ),
    "notice_force": (
        "Contact forces come from the two-body model (effective masses and the relative speed at "
        "contact), not from the physics engine. Several limits per body region are unverified.",
        "接触力は二体モデル（有効質量と接触時の相対速度）による計算値で、物理エンジンの値ではありません。"
        "身体部位別の限度値には未検証のものが含まれます。",
    ),
    "notice_sensor": (
        "Speed and separation monitoring depends on the declared sensor model",
        "速度・分離監視（SSM）は宣言されたセンサモデルに依存します",
    ),
    "pareto": ("Output against human work", "生産量と人の手間"),
    "pareto_note": (
        "Up and to the left is better. Bars are 95 % intervals. A hollow marker had a safety event "
        "(a breach of the separation, clamping, or a contact above the limit) and cannot "
        "be on the front, whatever it produces.",
        "左上ほど良い。棒は95 %区間。白抜きは安全上の事象"
        "（分離距離の侵害、挟まれ、または限度を超える接触）があったエージェントで、生産量にかかわらずフロントから除外。",
    ),
    "pareto_x": ("human minutes per robot-hour", "人の作業時間 [分／ロボット稼働1時間]"),
    "pareto_y": ("good parts per hour", "良品数 [個／時]"),
    "better": ("better", "良い"),
    "front": ("Pareto front", "パレートフロント"),
    "safety_event": ("safety event", "安全事象あり"),
    "tables": ("Scores per scenario", "シナリオ別スコア"),
    "figure": ("Figure", "指標"),
    "unit": ("Unit", "単位"),
    "value": ("Value", "値"),
    "interval": ("95 % interval", "95 %区間"),
    "best_note": (
        "Tinted: the best value of the row; no test of significance. ↑ more is better, "
        "↓ less is better. A dash: undefined (for example a mean of nothing).",
        "色付きは行内の最良値（有意差検定ではない）。↑は大きいほど、↓は小さいほど良い。「–」は定義できない値。",
    ),
    "timeline": ("What the cell was doing", "セルの状態の推移"),
    "timeline_note": (
        "One episode an agent, the same seed for all: the one nearest to the agent's mean output. "
        "The share is the time in which the cell produced, slowed or not.",
        "各エージェント1エピソード（同一シード、平均的な生産量に最も近いもの）。"
        "割合は生産していた時間（減速運転を含む）。",
    ),
    "seed": ("seed", "シード"),
    "time_axis": ("time (s)", "時間 [s]"),
    "producing_share": ("producing", "生産中"),
    "causes": ("Why people had to come", "人の介入の原因"),
    "causes_y": ("interventions per hour", "介入 [回／時]"),
    "no_causes": ("No intervention in any episode.", "全エピソードで介入なし。"),
    "worst": ("The closest call", "最も危険だった瞬間"),
    "worst_note": (
        "The moment with the least margin d - S* of all seeds of each agent. S* is the way the "
        "robot needs to brake while a person walks on: the braking terms of S_p, without its "
        "allowances for reaction and uncertainty. A negative margin is a breach. The dashed line "
        "is S_p at the speed of the TCP, whichever way it moves.",
        "各エージェントの全シードのうち、余裕 d - S* が最小となった瞬間。S* は人が歩き続ける間に"
        "ロボットが制動に要する距離（S_p から反応時間と不確かさの余裕を除いた制動項）。"
        "負の余裕は侵害。破線は TCP 速度での S_p（移動方向によらない）。",
    ),
    "nobody": ("Nobody came near the robot.", "ロボットの周囲に人は来なかった。"),
    "separation": ("separation d", "分離距離 d"),
    "protective": ("protective distance S_p at the TCP speed", "保護分離距離 S_p（TCP速度）"),
    "speed": ("TCP speed", "TCP速度"),
    "metres": ("distance (m)", "距離 [m]"),
    "speed_axis": ("TCP speed (m/s)", "TCP速度 [m/s]"),
    "around_axis": ("time around the worst moment (s)", "最悪時点からの時間 [s]"),
    "breach": ("breach", "侵害"),
    "margin": ("margin d - S*", "余裕 d - S*"),
    "at": ("at", "時刻"),
    "picture": ("The cell at that moment", "その瞬間のセル"),
    "no_picture": ("No picture was kept.", "画像は保存されていない。"),
    "all_figures": ("All figures", "全指標"),
    "exposure": ("Exposure", "実績時間"),
    "exposure_note": (
        "Simulated hours and finished episodes. Zero events in T hours support, at 95 %, a rate "
        "below 3/T per hour and no more than that.",
        "シミュレーション時間と完了エピソード数。T時間で事象ゼロの場合、95 %信頼で言えるのは"
        "「毎時 3/T 回未満」までである。",
    ),
    "finished": ("finished", "完了"),
    "failed": ("failed", "失敗"),
    "failed_title": ("Episodes that failed", "失敗したエピソード"),
    "rate_bound": ("bound at zero events (per h)", "事象ゼロ時の上限 [回／時]"),
    "method": ("Method", "方法"),
    "method_text": (
        "Every agent plays the same seeds: the same parts, people, faults and operator times. "
        "Figures are computed from the events of the episodes and from nothing else, and pooled "
        "over episodes; intervals are 95 %.",
        "全エージェントが同じシード（同じ部品・人・故障・オペレータ時間）で実行。指標はエピソードのイベント"
        "のみから計算し、エピソードを通して集計。区間は95 %。",
    ),
    "hashes": ("Hashes", "ハッシュ"),
    "build": ("Build", "ビルド"),
    "sources": ("Sources", "出典"),
    "footer": ("Made by genba", "genba により作成"),
    "settings": ("Settings", "設定"),
    "safety_rules": ("Safety", "安全"),
    "unprotected": ("none (unprotected)", "なし（保護なし）"),
    "people_setting": ("Visits per hour", "人の立入り [回／時]"),
    "headline": ("Headline", "主要指標"),
    "nothing_finished": ("No episode finished.", "完了したエピソードがない。"),
}  # fmt: skip

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
    "changeover": ("changeover", "段取り替え", "#7B6FB0"),
    "idle": ("idle", "手待ち", "#9A9A9A"),
}

CAUSES_JA = {
    "dropped_part": "落下",
    "protective_stop": "保護停止",
    "emergency_stop": "非常停止",
    "cycle_overtime": "サイクルオーバー",
    "misplaced_part": "置きミス",
    "contact": "接触",
    "jam": "詰まり",
    "takeover": "手動介入",
    "clamping": "挟まれ",
    "guard_interlock": "ガード開放・柵内進入",
    "configuration": "設定の不一致",
    "recorder": "記録装置の異常",
    "collision": "設備との衝突",
    "brakes": "制動力不足",
    "policy_failure": "方策の応答異常",
    "process": "工程異常",
    "uncertainty": "判断に自信なし",
}

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
    "first_pass_yield": "直行率（手直し・介助なし）",
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
    "assists": "チョコ停（アシスト）",
    "failures": "故障停止",
    "mtbi": "平均介入間隔（MTBI）",
    "mtba": "平均チョコ停間隔（MTBA）",
    "mcbi": "介入間の平均サイクル数（MCBI）",
    "mcba": "チョコ停間の平均サイクル数（MCBA）",
    "human_minutes_per_robot_hour": "ロボット1時間当たりの人の作業時間",
    "response_time_mean": "呼出しから到着まで（平均）",
    "recovery_time_mean": "呼出しから自律運転の再開まで（平均）",
    "intervened_share": "介入中の時間の割合",
    "attention_demand": "注意要求度（RAD）",
    "fan_out": "一人で見られるセル数（1/RAD）",
    "autonomous_good_parts": "介助なしの良品数",
    "aided_good_parts": "介助ありの良品数",
    "autonomous_share": "介助なしの良品の割合",
    "cell_entries_per_hour": "時間当たりのセルへの立入り",
    "peak_requests_10min": "10分間の最多呼出し",
    "ssm_breaches": "分離距離の侵害",
    "breach_seconds": "分離距離の侵害時間",
    "worst_margin": "分離距離の最小余裕",
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
    "min/h": "分/時", "count": "回",
}  # fmt: skip

SOURCES = (
    "ISO 22400-2 (times, OEE, quality ratio)",
    "SEMI E10 (assist, failure, interrupt)",
    "ISO/TS 15066 and ISO 10218-2 Annex L (separation, two-body contact model)",
    "Olsen & Goodrich (attention demand, fan-out; formulas recalled, unverified)",
)


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
    return CAUSES_JA.get(cause, plain) if lang == "ja" else plain


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


def missing() -> list[Any]:
    """Keys without a text in one of the languages; a test keeps this empty."""
    return [key for key, pair in WORDS.items() if len(pair) != 2 or not all(pair)]

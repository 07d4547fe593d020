"""The sentences of the report, in English and in the Japanese of a shop floor."""

from __future__ import annotations

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
    "hours_column": ("time [h]", "時間 [h]"),
    "date": ("Date", "実施日"),
    "version": ("Version", "バージョン"),
    "notice_title": ("How to read these numbers", "この数値の読み方"),
    "notice_safety": (
        "Nothing here is a certified safety function. The safety layer is a non-safety-rated "
        "research model of functions described in ISO 10218 and ISO/TS 15066; a number from "
        "simulation is no evidence of conformity.",
        "本ソフトウェアは認証された安全機能ではありません。安全レイヤは ISO 10218・ISO/TS 15066 に"
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
        "速度及び間隔の監視（SSM）は宣言されたセンサモデルに依存します",
    ),
    "pareto": ("Output against human work", "生産量と人の手間"),
    "pareto_note": (
        "Up and to the left is better. Bars are 95 % intervals. A hollow marker had a safety event "
        "(a breach of the separation, clamping, or a contact by the moving robot above the limit) "
        "and cannot be on the front, whatever it produces.",
        "左上ほど良い。棒は95 %区間。白抜きは安全上の事象"
        "（間隔の侵害、挟まれ、または動作中のロボットによる限度を超える接触）があったエージェントで、"
        "生産量にかかわらずフロントから除外。",
    ),
    "pareto_x": ("human work [min per robot-hour]", "人の作業時間 [分／計画稼働1時間]"),
    "pareto_y": ("good parts [parts/h]", "良品数 [個／時]"),
    "better": ("better", "良い"),
    "front": ("Pareto front", "パレートフロント"),
    "tables": ("Scores per scenario", "シナリオ別スコア"),
    "figure": ("Figure", "指標"),
    "unit": ("Unit", "単位"),
    "value": ("Value", "値"),
    "interval": ("95 % interval", "95 %区間"),
    "best_note": (
        "Tinted: the best value among the agents that made good parts (whoever does nothing has "
        "the fewest falls); no test of significance. ↑ more is better, ↓ less is better. A dash: "
        "undefined (for example a mean of nothing); with ≥ below it, what it counts never "
        "happened, and that is its bound.",
        "色付きは良品を生産したエージェントの中での最良値（有意差検定ではない。何もしなければ落下も最少になるため、"
        "良品のないものは比べない）。↑は大きいほど、↓は小さいほど良い。「–」は定義できない値。"
        "下に「≥」があれば対象の事象が一度もなく、その値が下限。",
    ),
    "too_fast": (
        "Effectiveness above 1: planned_cycle_time is longer than a part took, so OEE says nothing",
        "性能稼働率が1を超えている：planned_cycle_time が実際のサイクルより長いため、"
        "設備総合効率は参考にならない",
    ),
    "timeline": ("What the cell was doing", "セルの状態の推移"),
    "timeline_note": (
        "One episode an agent, the same seed for all: the one nearest to the agent's mean output. "
        "The share is the time in which the cell produced, slowed or not.",
        "各エージェント1エピソード（同一シード、平均的な生産量に最も近いもの）。"
        "割合は生産していた時間（減速運転を含む）。",
    ),
    "seed": ("seed", "シード"),
    "time_axis": ("time [s]", "時間 [s]"),
    "producing_share": ("producing", "生産中"),
    "causes": ("Why people had to come", "人の介入の原因"),
    "causes_note": (
        "Each intervention by the cause of its first request: the bars add up to the interventions "
        "per hour of the table.",
        "各介入を最初の呼出しの原因で分類。棒の合計は表の時間当たり介入回数に等しい。",
    ),
    "causes_y": ("interventions [1/h]", "介入 [回／時]"),
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
    "nobody": (
        "Nobody came near: the margin never fell below 1 m (who serves a robot that is locked out "
        "aside)",
        "誰も近づかなかった：余裕は常に1 m以上（停止・ロックされたロボットの復旧作業を除く）",
    ),
    "contact": ("contact", "接触"),
    "separation": ("separation d", "間隔 d"),
    "protective": ("protective distance S_p at the TCP speed", "保護間隔 S_p（TCP速度）"),
    "speed": ("TCP speed", "TCP速度"),
    "metres": ("distance [m]", "距離 [m]"),
    "speed_axis": ("TCP speed [m/s]", "TCP速度 [m/s]"),
    "around_axis": ("time around the worst moment [s]", "最悪時点からの時間 [s]"),
    "breach": ("breach", "侵害"),
    "margin": ("margin d - S*", "余裕 d - S*"),
    "at": ("at", "時刻"),
    "picture": ("The cell at that moment", "その瞬間のセル"),
    "no_trace": (
        "No distances were kept around this moment.", "この前後の距離の記録はない。",
    ),
    "no_picture": ("No picture was kept.", "画像は保存されていない。"),
    "all_figures": ("All figures", "全指標"),
    "all_figures_note": (
        "An assist is an unplanned interruption that people end without replacing a part of the "
        "machine, however long it lasts (SEMI E10). Those over in less than 5 minutes are what "
        "Japanese shops call a chokotei.",
        "アシスト（SEMI E10）は、設備の部品を交換せずに人手で復帰させた計画外の停止で、"
        "長さは問わない。"
        "このうち5分未満で復帰したものが、現場でいうチョコ停に当たる。",
    ),
    "exposure": ("Exposure", "評価時間"),
    "exposure_note": (
        "Simulated hours and finished episodes. Zero events in T hours support, at 95 %, a rate "
        "below 3/T per hour and no more than that.",
        "シミュレーション時間と完了エピソード数。T時間で事象ゼロの場合、95 %信頼で言えるのは"
        "「毎時 3/T 回未満」までである。",
    ),
    "finished": ("finished", "完了"),
    "failed": ("failed", "失敗"),
    "failed_title": ("Episodes that failed", "失敗したエピソード"),
    "rate_bound": ("bound at zero events [1/h]", "事象ゼロ時の上限 [回／時]"),
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
    "differences": ("What differs between the scenarios", "シナリオ間で異なる設定"),
    "differences_note": (
        "Keys of the scenario files, and of safety what it stands for. A dash: not set. All else "
        "is the same.",
        "項目名はシナリオファイルのキー。safety は適用される安全プロファイル。「–」は指定なし。"
        "ほかの設定はすべて同じ。",
    ),
    "no_differences": (
        "Nothing but their names.", "名称以外の違いはない。",
    ),
    "setting": ("Setting", "設定項目"),
    "safety_rules": ("Safety profile", "安全プロファイル"),
    "rules": ("Safety rules", "安全ルール"),
    "unprotected": ("unprotected: no safety rule is on", "保護なし（安全ルールなし）"),
    "adapted": (" (with changes)", "（変更あり）"),
    "own_rules": ("rules of its own", "独自のルール"),
    "people_setting": ("Visits [1/h]", "人の立入り [回／時]"),
    "colon": (": ", "："),
    "comma": (", ", "、"),
    "semicolon": ("; ", "；"),
    "stop": (".", "。"),
    "headline": ("Headline", "主要指標"),
    "nothing_finished": ("No episode finished.", "完了したエピソードがない。"),
}  # fmt: skip

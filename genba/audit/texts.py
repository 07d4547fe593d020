"""The words of an explanation, in English and Japanese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genba import console
from genba.audit.reasons import Both
from genba.rule_names import LANGUAGES

REGIONS_JA = {
    "skull": "頭部", "face": "顔", "neck": "首", "back": "背中", "chest": "胸", "abdomen": "腹部",
    "pelvis": "骨盤", "upper_arm": "上腕", "lower_arm": "前腕", "hand": "手", "thigh": "大腿",
    "lower_leg": "下腿",
}  # fmt: skip

# a person's role and behaviour
PEOPLE_JA = {
    "visitor": "訪問者", "operator": "作業者", "indifferent": "無関心", "helpful": "手伝おうとする",
    "antagonistic": "邪魔をする", "attacking": "攻撃する",
}  # fmt: skip
LINKS_JA = {"hand": "ハンド", "fingers": "フィンガ", "tool": "ツール", "link": "リンク"}

# what a rule declares about its reset
RESETS_JA = {
    "automatic": "自動",
    "manual": "人による解除",
    "automatic; after a breach manual": "自動、逸脱後は人による解除",
    "automatic; hard or again manual": "自動、強い衝突または再度の衝突では人による解除",
    "automatic after 2 s; over the limit manual": "2 秒後に自動、限度超過では人による解除",
    "automatic once d >= S_p(0) + 0.10 m for 0.5 s": "d ≥ S_p(0) + 0.10 m が 0.5 秒続くと自動",
    "automatic; after drift manual": "自動、変位後は人による解除",
    "automatic; once handed over manual": "自動、人へ引き継いだ後は人による解除",
    "automatic if back within 2 s, else manual": "2 秒以内に復帰すれば自動、それ以外は人による解除",
}

CATEGORIES: dict[int, Both] = {
    0: ("the power is cut and the brakes fall in", "動力を遮断し、ブレーキを作動"),
    1: ("it brakes to standstill, then the power is cut", "停止まで減速し、その後動力を遮断"),
    2: ("it brakes to standstill and stays powered", "停止まで減速し、動力を保持"),
}

_TEXTS: dict[str, Both] = {
    "head": ("Event {n}, {time:.2f} s into {what}", "イベント {n}、{what} の {time:.2f} 秒"),
    "seed": ("{scenario}, seed {seed}, agent {agent}", "{scenario}（シード {seed}、{agent}）"),
    "stopped": ("The robot is stopped: {rule}.", "ロボットが停止した：{rule}。"),
    "stricter": (
        "The stop that was on becomes stricter: {rule}.",
        "停止がより厳しくなった：{rule}。",
    ),
    "slowed": (
        "The robot is slowed to {share:.0%} of what was asked: {rule}.",
        "ロボットが指令の {share:.0%} に減速した：{rule}。",
    ),
    "acts": ("Acts from now on: {rule}.", "作動開始：{rule}。"),
    "off": (
        "No longer acts, after {duration:.2f} s: {rule}.",
        "作動終了（{duration:.2f} 秒間）：{rule}。",
    ),
    "automatic": (
        "The stop of {duration:.2f} s ends by itself: {rule}.",
        "{duration:.2f} 秒の停止が自動的に解除された：{rule}。",
    ),
    "manual": (
        "A person resets the stop of {duration:.2f} s: {rule}.",
        "人が {duration:.2f} 秒の停止を解除した：{rule}。",
    ),
    "still": ("Still stopped: {rule}.", "引き続き停止中：{rule}。"),
    "why": ("Why", "理由"),
    "measured": ("Measured", "測定値"),
    "needed": ("Limit", "限界値"),
    "beyond": ("{margin} beyond it", "{margin} 超過"),
    "short": ("{margin} short of it", "{margin} 不足"),
    "source": ("Source", "根拠"),
    "reaction": ("Reaction", "反応"),
    "scaled": ("all speeds times {scale:.3g}", "全速度を {scale:.3g} 倍"),
    "category": ("stop category {category}: {words}", "停止カテゴリー {category}：{words}"),
    "motion": ("another motion than the one asked", "指令とは別の動作"),
    "none_yet": ("none yet, the robot moves on", "まだなし、動作を続ける"),
    "reset": ("Reset", "解除"),
    "reset_manual": ("a person must reset it", "人による解除が必要"),
    "reset_automatic": ("by itself", "自動"),
    "declared": (" ({text})", "（{text}）"),
    "and": (", ", "、"),
    "colon": (": ", "："),
    "person": ("Nearest person", "最も近い人"),
    "where": (
        "{name} ({who}): {region} at {distance:.3f} m from the robot's {link}",
        "{name}（{who}）：{region}、ロボットの{link}から {distance:.3f} m",
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
        "上面図：# ロボット  o {name}  . 他の人  R-P 最近点 {distance:.3f} m",
    ),
    "alone": ("seen from above: # robot  + its base", "上面図：# ロボット  + 台座"),
    "top": ("from above", "上面"),
    "side": ("from the side", "側面"),
    "level": ("height of the robot's foot", "ロボット設置面"),
}


def text(lang: str, key: str, **values: Any) -> str:
    """A sentence with its values filled in."""
    return _TEXTS[key][LANGUAGES.index(lang)].format(**values)


def named(lang: str, word: object, japanese: Mapping[str, str]) -> str:
    """A word of a log in plain letters; in Japanese where it is known there."""
    plain = clean(word)
    if lang == "ja":
        stem = plain.rstrip("0123456789")  # link5
        if stem in japanese:
            return japanese[stem] + plain[len(stem) :]
    return plain.replace("_", " ")


def clause(lang: str, said: object) -> str:
    """The clauses that a rule declares, as they are, but for the name of an annex."""
    plain = clean(said)
    if lang == "ja":
        plain = re.sub(r"(?: and |,? ?\b)Annex(?:es)? (?=[A-Z]\b)", _annex, plain)
    return plain


def _annex(found: re.Match[str]) -> str:
    before = found[0].partition("Annex")[0]
    return {" and ": "及び附属書", ", ": "、附属書"}.get(before, f"{before}附属書")


def pick(lang: str, both: Both) -> str:
    """One of two languages."""
    return both[LANGUAGES.index(lang)]


def clean(value: object) -> str:
    """A text of a stranger's log without what a terminal would obey."""
    return console.clean(str(value)[:200])

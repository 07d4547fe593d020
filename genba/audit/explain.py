"""Why the robot was stopped, in plain words: from one entry of an audit log and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import hypot
from pathlib import Path
from typing import Any, TextIO

import orjson

from genba.audit import drawing
from genba.audit.reasons import LEAST, beyond, measure, reason
from genba.audit.scene import Scene, scene
from genba.audit.svg import svg
from genba.audit.texts import (
    CATEGORIES,
    LINKS_JA,
    PEOPLE_JA,
    REGIONS_JA,
    RESETS_JA,
    clause,
    clean,
    named,
    pick,
    text,
)
from genba.console import show_table
from genba.rule_names import rule_name
from genba.safety.audit import AuditError
from genba.safety.audit.chain import ENTRIES, Line, lines

Row = dict[str, Any]
# what reading an entry that a stranger wrote may raise
BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
Sentence = tuple[str, str]  # a label, or none, and what is said


def explain(path: Path, number: int, lang: str, out: TextIO) -> None:
    """Writes what happened in entry `number`, and draws it. Raises AuditError, OSError."""
    start, said = find(path, number)
    try:
        title, paragraphs = told(number, start, said, lang)
        shown, why = _shown(said)
    except BROKEN as error:
        raise _no_entry(path, number, error) from None
    out.write(f"{title}\n\n" + "".join(map(_line, paragraphs)) + "\n")
    if shown is None:
        out.write(f"{text(lang, why)}\n")
    else:
        out.write(f"{drawing.draw(shown)}\n  {_legend(shown, lang)}\n")


def draw(path: Path, number: int, lang: str, target: Path) -> None:
    """Writes the drawing of an entry as SVG. Raises AuditError where there is nothing to draw."""
    start, said = find(path, number)
    try:
        title, paragraphs = told(number, start, said, lang)
        shown, _ = _shown(said)
        if shown is None:
            raise AuditError(f"{path}: entry {number} holds nothing to draw")
        picture = svg(shown, title, paragraphs, lang)
    except BROKEN as error:
        raise _no_entry(path, number, error) from None
    target.write_text(picture, encoding="utf-8")


def _shown(said: Row) -> tuple[Scene | None, str]:
    """What is drawn of an entry, and which text says why where nothing is.

    Inputs of a wrong shape are genuine too: the robot was stopped for them.
    """
    try:
        shown = scene(said)
    except AuditError:
        return None, "no_bodies"
    return shown, {"reset": "by_person", "off": "only_ends"}.get(said["kind"], "opaque")


def _no_entry(path: Path, number: int, error: Exception) -> Exception:
    if isinstance(error, AuditError):
        return error
    return AuditError(f"{path}: entry {number} is none of ours ({type(error).__name__})")


def overview(path: Path, lang: str, out: TextIO) -> None:
    """A table of all entries. Raises AuditError where there is none."""
    rows = []
    for at, line in _sound(path):
        if line.kind not in ENTRIES:
            continue
        try:
            said = _said(path, at, line)
            rows.append([str(line.n), f"{said['time']:.2f}", " ".join(_happened(said, lang))])
        except BROKEN:
            rows.append([str(line.n), "", "?"])
    if not rows:
        raise AuditError(f"{path}: holds no event")
    show_table(out, clean(str(path)), ["event", "s", ""], rows, numbers=0)


def find(path: Path, number: int) -> tuple[Row, Row]:
    """The first line of an entry's episode, and the entry. Raises AuditError where it is none."""
    known: list[int] = []
    begun: tuple[int, Line] | None = None
    for at, line in _sound(path):
        if line.kind == "start":
            begun = at, line
        elif line.kind in ENTRIES:
            known.append(line.n)
            if line.n == number:
                start = {} if begun is None else _said(path, *begun)
                return start, _said(path, at, line)
    if any(found.number == number + 1 and found.line is None for found in lines(path)):
        raise AuditError(f"{path}: line {number + 1} is damaged, and so is entry {number}")
    if not known:
        raise AuditError(f"{path}: holds no event")
    raise AuditError(f"{path}: {number} is no event; they are numbered {known[0]} to {known[-1]}")


def _sound(path: Path) -> Iterator[tuple[int, Line]]:
    """Number and content of every line whose hash fits. Raises AuditError where none does."""
    sound = False
    for found in lines(path):
        if found.line is not None:
            sound = True
            yield found.number, found.line
    if not sound:
        raise AuditError(f"{path}: not an audit log")


def _said(path: Path, number: int, line: Line) -> Row:
    try:
        said: Row = orjson.loads(line.json)
    except orjson.JSONDecodeError:
        text = "its hash fits, yet no recorder of ours wrote it"
        raise AuditError(f"{path}: line {number}: {text}") from None
    return said


def told(number: int, start: Row, said: Row, lang: str) -> tuple[str, list[Sentence]]:
    """A title, and what happened, why, to whom and what it needs: a line each."""
    episode = start.get("episode") or {}
    known = {key: clean(str(episode.get(key, "?"))) for key in ("scenario", "seed", "agent")}
    what = text(lang, "seed", **known)
    title = text(lang, "head", n=number, time=float(said["time"]), what=what)
    out = [("", sentence) for sentence in _happened(said, lang)]
    for acting in said.get("acting", ()):
        out += _rule(acting, start, lang)
    if said["kind"] == "tick" and isinstance(said["inputs"], dict):
        out += _around(said, lang)
    return title, out


def _happened(said: Row, lang: str) -> list[str]:
    """What began and what ended, the gravest first."""
    stops, others = [], []
    was = _stop(said)
    stopping = {e["subject"] for e in said["events"] if e["kind"] == "stop"}
    for event in said["events"]:
        data, name = event["data"], _title(event["subject"], lang)
        if event["kind"] == "stop":
            stops.append(text(lang, "stricter" if was else "stopped", rule=name))
        elif event["kind"] == "reset":
            by = "manual" if data["by"] == "manual" else "automatic"
            stops.append(text(lang, by, rule=name, duration=float(data["duration"])))
        elif data["phase"] == "off":
            others.append(text(lang, "off", rule=name, duration=float(data["duration"])))
        elif event["subject"] in stopping:
            continue
        elif data["category"] is None and float(data["scale"]) < 1.0 and not was:
            share = min(float(data["scale"]), 0.99)  # 0.999 is no 100 %
            others.append(text(lang, "slowed", rule=name, share=share))
        else:
            others.append(text(lang, "acts", rule=name))
    if was and not stops:
        others.append(text(lang, "still", rule=_title(was, lang)))
    return stops + others


def _stop(said: Row) -> str | None:
    """The rule whose stop was on before."""
    if said["kind"] == "off":
        return said["stop"] and str(said["stop"])
    stop = said["memory"]["layer"]["stop"]
    return stop and str(stop[1])


def _rule(acting: Row, start: Row, lang: str) -> list[Sentence]:
    """Why one rule acts, on what, and who resets it."""
    name = str(acting["rule"])
    said = measure(name, str(acting["reason"]))
    declared = (start.get("rules") or {}).get(name) or {}
    why = (_title(name, lang), reason(lang, clean(acting["reason"])))
    out = [(text(lang, "why"), text(lang, "colon").join(why))]
    # something is so, or the layer itself says so: no measure
    switch = (acting["trigger"], acting["limit"]) in ((1.0, 0.0), (0.0, 0.0))
    if acting["margin"] is not None and not switch:
        trigger, limit = float(acting["trigger"]), float(acting["limit"])
        unit = said.unit and f" {said.unit}"
        needed = f"{pick(lang, said.limit)} {limit:.4g}{unit}"
        if beyond(said.bound, trigger, limit):
            margin = f"{abs(float(acting['margin'])):.2g}{unit}"
            key = "short" if said.bound == LEAST else "beyond"
            needed += text(lang, "and") + text(lang, key, margin=margin)
        out.append((text(lang, "measured"), f"{pick(lang, said.trigger)} {trigger:.4g}{unit}"))
        out.append((text(lang, "needed"), needed))
    if declared.get("clause"):
        out.append((text(lang, "source"), clause(lang, declared["clause"])))
    category = acting["category"]
    if category is not None:
        does = pick(lang, CATEGORIES[int(category)])
        reaction = text(lang, "category", category=int(category), words=does)
    elif float(acting["scale"]) < 1.0:
        reaction = text(lang, "scaled", scale=float(acting["scale"]))
    else:
        reaction = text(lang, "motion" if acting["reaction"] == "another motion" else "none_yet")
    out.append((text(lang, "reaction"), f"{reaction}"))
    reset = text(lang, "reset_manual" if acting["reset"] == "manual" else "reset_automatic")
    if declared.get("reset") and declared["reset"] != acting["reset"]:
        own = clean(declared["reset"])
        own = RESETS_JA.get(own, own) if lang == "ja" else own
        reset += text(lang, "declared", text=own)
    return [*out, (text(lang, "reset"), f"{reset}")]


def _around(said: Row, lang: str) -> list[Sentence]:
    """Who was where, what the robot did, and which part it had."""
    out = []
    person, part, inputs = said["person"], said["part"], said["inputs"]
    if person is not None:
        who = [named(lang, person[key], PEOPLE_JA) for key in ("role", "behaviour")]
        region, link = person["region"], person["link"]
        where = text(
            lang, "where", name=clean(person["name"]), distance=float(person["separation"]),
            who=text(lang, "and").join(dict.fromkeys(who)),
            region=named(lang, region, REGIONS_JA) if region else text(lang, "body"),
            link=named(lang, link, LINKS_JA) if link else text(lang, "link"),
        )  # fmt: skip
        if "state" in inputs:
            where += text(lang, "and") + text(
                lang, "seen", age=float(inputs["state"]["people_age"])
            )
        out.append((text(lang, "person"), where))
    else:
        out.append((text(lang, "person"), f"{text(lang, 'nobody')}"))
    if "state" in inputs and len(inputs["state"]["robots"]) == 1:
        (robot,) = inputs["state"]["robots"].values()
        rows = robot, inputs["command"], said["decision"]["command"]
        with suppress(TypeError):  # of another shape, for which it was stopped: no speed to tell
            now, asked, let = (hypot(*map(float, row["tcp_velocity"][:3])) for row in rows)
            speed = text(lang, "speed", now=now, asked=asked, let=let)
            out.append((text(lang, "robot"), speed))
    if part is not None:
        key = "held" if part["held"] else "near"
        what = text(lang, key, name=clean(part["name"]), distance=float(part["distance"]))
        out.append((text(lang, "part"), f"{what}"))
    return out


def _line(sentence: Sentence) -> str:
    """For a terminal: the labels in a column of their own."""
    label, said = sentence
    width = sum(2 if ord(c) > 0x2FFF else 1 for c in label)  # as a terminal shows it
    return f"  {label}{' ' * max(1, 16 - width)}{said}\n" if label else f"{said}\n"


def _title(rule: object, lang: str) -> str:
    return rule_name(clean(str(rule)), lang)


def _legend(shown: Scene, lang: str) -> str:
    if shown.separation is None:
        return text(lang, "alone")
    return text(lang, "legend", name=clean(next(iter(shown.people))), distance=shown.separation)

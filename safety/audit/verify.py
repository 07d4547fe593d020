"""Whether an audit log is as it was written: which lines were changed, dropped, moved or added."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson

from genba.safety.audit import chain, entry
from genba.safety.audit.chain import NOTHING, AuditError, Line
from genba.safety.audit.count import Count
from genba.safety.audit.finding import Finding

SHOWN = 20  # runs of missing numbers that one finding names


@dataclass(slots=True)
class Report:
    """What a log holds, and what is wrong with it."""

    lines: int = 0
    entries: int = 0
    episodes: int = 0
    gaps: int = 0  # entries that the recorder itself says it could not write
    sealed: bool = False
    key: str | None = None  # of the signature, hexadecimal
    signature: str | None = None
    head: str = NOTHING  # hash that the seal vouches for
    torn: bool = False  # the last line has no line feed
    last: tuple[int, str, int] = (-1, NOTHING, 0)  # good line: number, hash, bytes to its end
    findings: list[Finding] = field(default_factory=list)

    @property
    def resumable(self) -> bool:
        """Nothing was found but what a run that was killed leaves: no seal, half a last line."""
        return all(found.what in ("unsealed", "cut") for found in self.findings)


class _Seen(NamedTuple):
    at: int  # physical line, from 1
    n: int
    previous: str
    hash: str


def verify(path: Path) -> Report:
    """Reads a log through. Raises AuditError where it is none, OSError where it cannot be read."""
    report = Report()
    seen: list[_Seen] = []
    damaged: list[int] = []
    seals: list[int] = []
    config: str | None = None
    count = Count()
    for number, line, ended, end in chain.lines(path):
        report.lines = number
        report.torn = not ended
        if line is None:
            damaged.append(number)
            continue
        report.last = (line.n, line.hash, end)
        seen.append(_Seen(number, line.n, line.previous, line.hash))
        config = _content(report, number, line, config, count)
        if line.kind == "seal":
            seals.append(number)
    if not seen and not _looks_like_one(path):
        raise AuditError(f"{path}: not an audit log")
    if report.torn:
        text = f"line {report.lines} is cut off: shortened, or the run was killed as it wrote"
        report.findings.append(Finding(report.lines, "cut", text))
        damaged = [number for number in damaged if number < report.lines]
    order = list(_order(seen, damaged))
    report.findings += order or count.findings  # of lines that are gone a count says no more
    report.findings += _ends(report, seen, seals)
    report.findings.sort(key=lambda found: found.line)
    return report


def _looks_like_one(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(15) == b'{"n":0,"previou'


def _content(
    report: Report, number: int, line: Line, config: str | None, count: Count
) -> str | None:
    """Counts a line and checks what it says of the configuration; the hash now in force."""
    report.entries += line.kind in chain.ENTRIES
    report.episodes += line.kind == "start"
    try:
        said = orjson.loads(line.json)
        count.take(number, line.kind, said)
        if line.kind == "start":
            config = str(said["config_hash"])
            if entry.config_hash(said["config"]) != config:
                text = f"line {number}: the configuration does not fit its hash"
                report.findings.append(Finding(number, "configuration", text))
        elif line.kind in chain.ASKED and config not in (None, said["config"]):
            text = f"line {number}: made under another configuration than its episode's"
            report.findings.append(Finding(number, "configuration", text))
        elif line.kind == "gap":
            report.gaps += int(said["lost"])
        elif line.kind == "seal":
            report.sealed = said["lines"] == line.n
            report.head, report.key = line.previous, said.get("key")
            report.signature = said.get("signature")
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        text = f"line {number}: its hash fits, yet no recorder of ours wrote it"
        report.findings.append(Finding(number, "changed", text))
    return config


def _order(seen: list[_Seen], damaged: list[int]) -> Iterator[Finding]:
    """What numbers and hashes tell of lines that were changed, dropped, moved or repeated."""
    for number in damaged:
        yield Finding(number, "changed", f"line {number} was changed: its hash does not fit")
    if not damaged and sorted(one.n for one in seen) == list(range(len(seen))):
        yield from _moved(seen)
        return
    first: dict[int, _Seen] = {}
    last: _Seen | None = None
    gaps: list[tuple[int, int, int]] = []  # of numbers n to m, before a line
    for one in seen:
        if one.n in first:
            was = first[one.n].at
            yield Finding(one.at, "repeated", f"line {one.at} repeats entry {one.n} of line {was}")
            continue
        first[one.n] = one
        expected = 0 if last is None else last.n + 1
        if one.n < expected:
            text = f"line {one.at} was moved: it holds entry {one.n}, after entry {expected - 1}"
            yield Finding(one.at, "moved", text)
            continue
        between = one.at - 1 - (0 if last is None else last.at)
        if one.n - expected > between:
            gaps.append((expected, one.n - 1, one.at))
        elif one.n == expected:
            yield from _linked(last, one)
        last = one
    known = sorted(first)
    for n, m, at in gaps:
        yield from _missing(_ranges(n, m, known), at, len(damaged))


def _moved(seen: list[_Seen]) -> Iterator[Finding]:
    last: _Seen | None = None
    for one in seen:
        if one.n != one.at - 1:
            text = f"line {one.at} was moved: it holds entry {one.n}, not entry {one.at - 1}"
            yield Finding(one.at, "moved", text)
        elif (last is None and one.n == 0) or (last is not None and last.n == one.n - 1):
            yield from _linked(last, one)
        last = one


def _linked(last: _Seen | None, one: _Seen) -> Iterator[Finding]:
    if one.previous != (NOTHING if last is None else last.hash):
        text = f"line {one.at} does not follow line {one.at - 1}: one of the two was written anew"
        yield Finding(one.at, "rewritten", text)


def _ranges(n: int, m: int, known: list[int]) -> list[tuple[int, int]]:
    """What lies in n to m between the known numbers, ascending: a stranger's n may be anything."""
    found: list[tuple[int, int]] = []
    for k in known[bisect_left(known, n) : bisect_right(known, m)]:
        if n < k:
            found.append((n, k - 1))
        n = k + 1
    return [*found, (n, m)] if n <= m else found


def _missing(gone: list[tuple[int, int]], at: int, damaged: int) -> Iterator[Finding]:
    if not gone:
        return
    single = len(gone) == 1 and gone[0][0] == gone[0][1]
    named = [str(n) if n == m else f"{n} to {m}" for n, m in gone[:SHOWN]]
    if len(gone) > SHOWN:
        count = sum(m - n + 1 for n, m in gone[SHOWN:])
        named.append(f"{count} more up to {gone[-1][1]}")
    entries = f"{'entry' if single else 'entries'} {', '.join(named)}"
    some = " (or what is left of them is a changed line)" if damaged else ""
    where = f"between lines {at - 1} and {at}" if at > 1 else "before line 1"
    yield Finding(at, "missing", f"line {gone[0][0] + 1} is missing: {entries}, {where}{some}")


def _ends(report: Report, seen: list[_Seen], seals: list[int]) -> Iterator[Finding]:
    last = seen[-1] if seen else None
    for number in seals:
        if number < report.lines:
            text = f"line {number + 1} and what follows was written behind the seal"
            yield Finding(number + 1, "added", text)
            return
    if not seals:
        after = f"entry {last.n} (line {last.at})" if last else "line 1"
        text = f"ends without a seal after {after}: cut off, or the run was killed"
        yield Finding(report.lines, "unsealed", text)
    elif not report.sealed:
        yield Finding(seals[-1], "missing", f"line {seals[-1]}: the seal counts other lines")

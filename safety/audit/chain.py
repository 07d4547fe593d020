"""The lines of an audit log and the chain that binds them: bytes in, bytes out, nothing parsed.

A line is `{"n":N,"previous":"HASH","kind":"KIND",...,"hash":"HASH"}`. Its hash is the SHA-256 of
its own bytes without `,"hash":"..."`, and `previous` is the hash of the line before, so that
whoever changes, drops or moves a line has to write every later one anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

FORMAT = 1
NOTHING = "0" * 64  # `previous` of the first line
MAX_LINE = 4 << 20  # bytes; a longer line is none of ours
KINDS = ("start", "tick", "off", "reset", "gap", "end", "resumed", "seal")
ENTRIES = ("tick", "off", "reset")  # what an episode counts
ASKED = ("tick", "reset")  # those that hold what the rules were asked

_LINE = re.compile(
    rb'\{"n":(0|[1-9][0-9]{0,11}),"previous":"([0-9a-f]{64})",("kind":"([a-z]{1,9})".*)'
    rb',"hash":"([0-9a-f]{64})"\}',
    re.DOTALL,
)


class AuditError(ValueError):
    """What cannot be done with an audit log; the message is one line."""


class Line(NamedTuple):
    """One line that is whole and whose hash fits."""

    n: int
    previous: str
    hash: str
    kind: str
    rest: bytes  # its members from "kind" up to the hash

    @property
    def json(self) -> bytes:
        """Its members but for number and hashes, as a JSON object."""
        return b"{" + self.rest + b"}"


def write(n: int, previous: str, rest: bytes) -> tuple[bytes, str]:
    """The n-th line (with its line feed) after the line of hash `previous`, and its own hash."""
    body = b'{"n":%d,"previous":"%s",%s' % (n, previous.encode(), rest)
    whole = sha256(body)
    whole.update(b"}")
    digest = whole.hexdigest()
    return b'%s,"hash":"%s"}\n' % (body, digest.encode()), digest


def read(raw: bytes) -> Line | None:
    """A line without its line feed, None where it has another form or its hash does not fit."""
    found = _LINE.fullmatch(raw) if len(raw) <= MAX_LINE else None
    if found is None:
        return None
    n, previous, rest, kind, digest = found.groups()
    body = raw[: found.end(3)] + b"}"
    if kind.decode() not in KINDS or sha256(body).hexdigest().encode() != digest:
        return None
    return Line(int(n), previous.decode(), digest.decode(), kind.decode(), rest)


class Found(NamedTuple):
    """What stands in one line of a file."""

    number: int  # from 1, as an editor counts
    line: Line | None  # None where it is damaged
    ended: bool  # by a line feed
    end: int  # bytes of the file up to its end


def lines(path: Path) -> Iterator[Found]:
    """Every line of a file. However long one is, no more than MAX_LINE of it is kept.

    Raises OSError.
    """
    number = end = 0
    with path.open("rb") as file:
        while raw := file.readline(MAX_LINE + 2):
            number, end = number + 1, end + len(raw)
            ended, huge = raw.endswith(b"\n"), False
            while not ended and (more := file.readline(MAX_LINE)):
                huge, end, ended = True, end + len(more), more.endswith(b"\n")
            line = None if huge else read(raw[:-1] if ended else raw)
            yield Found(number, line, ended, end)


def signed(n: int, previous: str) -> bytes:
    """What the signature of a seal is made over: its number and the hash of the line before it."""
    return b"genba audit %d seal %d %s" % (FORMAT, n, previous.encode())

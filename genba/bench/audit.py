"""The audit log of a whole benchmark: workers write one an episode, which are chained into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from genba.safety.audit import AuditError, AuditLog, Book, verify
from genba.safety.audit.book import Signer
from genba.safety.audit.chain import ENTRIES, lines


@contextmanager
def recorded(env: Any, book: Book | None, about: Mapping[str, Any]) -> Iterator[AuditLog | None]:
    """While it lasts the cell's safety layer writes into `book`, if there is one; sealed after."""
    if book is None:
        yield None
        return
    with AuditLog(book, about) as log:
        env.unwrapped.layer.recorder = log
        try:
            yield log
        finally:
            env.unwrapped.layer.recorder = None


def new_part(path: Path | None) -> Book | None:
    """The log of one episode, in place of what a worker that died may have left."""
    if path is None:
        return None
    path.unlink(missing_ok=True)
    return Book(path)


class Ledger:
    """One log for every episode, in the order in which they end.

    Raises AuditError where the file holds something and is not to be gone on with, where it was
    changed, or where it is sealed and something is still to be added.
    """

    def __init__(self, path: Path, signer: Signer | None = None, resume: bool = False) -> None:
        self.path, self.missing = path, 0
        self._signer, self._sealed = signer, False
        self._book: Book | None = None
        if resume and path.is_file() and path.stat().st_size > 0:
            self._reopen()
        else:
            self._book = Book(path, signer)

    def _reopen(self) -> None:
        report = verify(self.path)
        if not report.resumable:
            raise AuditError(f"{self.path}: {report.findings[0].text}")
        self._sealed = report.sealed
        if not report.sealed:
            cut = self.path.stat().st_size - report.last[2]
            self._book = Book.after(self.path, self._signer, report.last)
            self._book.append(b'"kind":"resumed","cut":%d' % cut)

    def add(self, part: Path) -> None:
        """Chains an episode's lines to those before, and removes its own file."""
        if not part.exists():
            return
        if self._book is None:
            raise AuditError(f"{self.path}: is sealed; name another --audit FILE for more episodes")
        entries, last = 0, ""
        for _, line, _, _ in lines(part):
            if line is None or line.kind == "seal":
                continue
            self._append(self._book, line.rest)
            last = line.kind
            entries = 0 if last == "start" else entries + (last in ENTRIES)
            if last == "gap":
                self.missing += int(orjson.loads(line.json)["lost"])
        if last in ("start", *ENTRIES):  # its worker died: an episode without end is a loss
            said = b'"kind":"end","reason":"the worker died","entries":%d' % entries
            self._append(self._book, said)
        part.unlink()

    def _append(self, book: Book, rest: bytes) -> None:
        try:
            book.append(rest)
        except OSError as error:
            raise AuditError(f"{self.path}: cannot be written ({error.strerror})") from None

    def open_for(self, episodes: int) -> None:
        """Refuses before any work what could not be added after it."""
        if self._sealed and episodes:
            raise AuditError(f"{self.path}: is sealed; name another --audit FILE for more episodes")

    def seal(self) -> None:
        """Every episode is in. A log that is not sealed can be gone on with."""
        if self._book is not None and not self._book.sealed:
            self._book.seal()

    def close(self) -> None:
        """Gives the file back."""
        if self._book is not None:
            self._book.close()

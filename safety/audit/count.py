"""Whether an episode has as many entries as its last line says, and has a last line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genba.safety.audit.chain import ENTRIES
from genba.safety.audit.finding import Finding


class Count:
    """Takes the lines of a log in their order; `findings` says what does not add up.

    The recorder writes an `end` for every episode. None is there where a benchmark was killed and
    went on (`resumed`), where the log is not sealed, and where a `gap` says what is missing.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._began = 0  # line of the episode that goes on; 0: none does
        self._entries = 0
        self._gap = False  # the latest line of the episode is a gap
        self._owed: Finding | None = None  # unless the next line is a gap

    def take(self, number: int, kind: str, said: Mapping[str, Any]) -> None:
        """One more line. Raises KeyError, TypeError, ValueError for an end that is none."""
        if self._owed is not None and kind != "gap":
            self.findings.append(self._owed)
        self._owed = None
        if kind in ENTRIES:
            self._began, self._gap = self._began or number, False
            self._entries += 1
            return
        if kind == "gap":
            self._gap = True
            return
        if kind == "end":
            self._compare(number, int(said["entries"]))
        elif self._began and not self._gap and kind in ("start", "seal"):
            text = f"line {number}: the episode of line {self._began} has no end"
            found = Finding(number, "missing", text)
            if kind == "start":  # a recorder that goes on writes it before the gap
                self._owed = found
            else:
                self.findings.append(found)
        self._began, self._entries, self._gap = number if kind == "start" else 0, 0, False

    def _compare(self, number: int, told: int) -> None:
        if told != self._entries:
            text = f"line {number}: its episode has {self._entries} entries, and ended with {told}"
            self.findings.append(Finding(number, "missing", text))

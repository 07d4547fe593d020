"""The recorder we ship: every activation and every reset of a safety layer as a line of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from genba.safety.audit import entry, memory, values
from genba.safety.audit.book import Book
from genba.safety.audit.chain import MAX_LINE
from genba.sim.state import Command, Event, State

if TYPE_CHECKING:
    from genba.safety.layer import SafetyLayer
    from genba.safety.verdicts import Decision


class AuditLog:
    """Writes into a `Book`, a line at once, so that a run that is killed loses none.

    Given to `SafetyLayer.recorder`. `about` says what is played (scenario, agent, seed); change it
    before the next episode begins. It never raises while a layer works: where a line cannot be
    written `failed` says so, later entries are tried again, and once one can be written a `gap`
    line says how many are missing. `failed` stays until a person comes (`mend`).
    """

    def __init__(self, book: Book, about: Mapping[str, Any] | None = None) -> None:
        self.book = book
        self.about: Mapping[str, Any] = about or {}
        self.error = ""  # why the latest line could not be written
        self._failed = False
        self.missing = 0  # entries that could not be written, in all
        self._lost: list[float] = []  # s, times of the entries that are missing
        self._bound: object = None
        self._places: memory.Places | None = None
        self._memory: memory.Memory | None = None
        self._take: Callable[[], memory.Memory]  # that of `_places`
        self._layer: SafetyLayer | None = None
        self._config = ""
        self._opening: bytes | None = None  # the episode's first line, not written yet
        self._since: float | None = None  # s, when the robot was locked out
        self._entries = 0

    @property
    def failed(self) -> bool:
        """Whether a line could not be written since a person last saw to it."""
        return self._failed

    @property
    def shortfall(self) -> str:
        """What is missing from a log that was closed, in one line; empty: nothing."""
        if self.book.sealed and not self.missing:
            return ""
        lost = f"entries that are missing: {self.missing}" if self.missing else "it is not sealed"
        return f"{self.book.path}: the audit log is not complete: {lost} ({self.error})"

    def begin(self, layer: SafetyLayer) -> None:
        """An episode begins; one that was going on ends."""
        self._end("another episode begins")
        self._layer, self._entries, self._bound = layer, 0, None
        self._opening = None
        begun = datetime.now(timezone.utc).isoformat(timespec="seconds")
        try:
            said = entry.start(layer, self.about, begun)
            self._config, self._opening = said["config_hash"], _rest(said)
        except Exception as error:  # what was given as `about` is for JSON
            self._fail(error)
        self._catch_up()
        self._keep(layer)

    def tick(self, layer: SafetyLayer, state: State, command: Command, decision: Decision) -> None:
        """An entry where something began or ended; what is remembered is kept for the next one."""
        if decision.events:
            time = getattr(state, "time", 0.0)
            line = partial(self._happened, layer, state, command, decision)
            self._entries += self._attempt(time, line)
        if layer._screen is not self._bound:
            self._keep(layer)
            return
        try:  # now, while all of it is in the processor's cache
            self._memory = self._take()
        except Exception as error:
            self._forget(error)

    def skipped(self, layer: SafetyLayer) -> None:
        """The robot was locked out, and the clock ran on."""
        if self._memory is not None:
            self._since = self._memory[0][0]
        self._keep(layer)

    def reset(self, layer: SafetyLayer, time: float, by: str, events: Sequence[Event]) -> None:
        """An entry of a person's reset."""
        said = {"kind": "reset", "time": time, "events": entry.events(events)}
        inputs = {"time": time, "by": by}
        self._entries += self._attempt(time, lambda: self._line(said, inputs))
        self._keep(layer)

    def mend(self) -> bool:
        """A person has come: try to write again. Returns whether the log goes on."""
        if self._failed:
            self._failed = not self._catch_up()
        return not self._failed

    def close(self, reason: str = "the episode is over") -> None:
        """Ends the episode, seals the log and gives the file back. Call it again at will."""
        if self.book.sealed:
            return
        self._end(reason)
        try:
            if self._catch_up():
                self.book.seal()
            self.book.close()
        except Exception as error:
            self._fail(error)

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close("the episode is over" if kind is None else f"broken off: {kind.__name__}")

    def _keep(self, layer: SafetyLayer) -> None:
        """What the layer and its rules remember before the next tick or reset."""
        try:
            if layer._screen is not self._bound or self._places is None:
                self._places = memory.places(layer)
                self._bound, self._take = layer._screen, self._places.take
            self._memory = self._take()
        except Exception as error:
            self._forget(error)

    def _forget(self, error: Exception) -> None:
        """A rule that has not what it names in MEMORY."""
        self._memory = None
        self._fail(error)

    def _happened(
        self, layer: SafetyLayer, state: State, command: Command, decision: Decision
    ) -> bytes:
        if entry.only_ends(decision.events):
            return _rest(entry.off(layer, decision.events))
        since = {name: times[0] for name, times in layer._journal._active.items()}
        inputs = values.inputs(state, command)
        if len(inputs) > MAX_LINE // 2:
            inputs = b'{"opaque":"%d bytes are too many"}' % len(inputs)
        return self._line(entry.tick(layer, state, decision, since), orjson.Fragment(inputs))

    def _line(self, said: Mapping[str, Any], inputs: object) -> bytes:
        if self._memory is None or self._places is None:
            raise ValueError("what the rules remember could not be read")
        kept = memory.dump(self._memory, self._places)
        return _rest({**said, "config": self._config, "memory": kept, "inputs": inputs})

    def _end(self, reason: str) -> None:
        """The last line of an episode: what was still acting, and for how long."""
        layer, self._layer = self._layer, None
        if layer is None:
            return
        time = layer._time
        if time is None:  # the robot is locked out
            time = self._since or 0.0
        stop = layer._journal.stop
        acting = {name: time - times[0] for name, times in layer._journal._active.items()}
        said = {
            "kind": "end", "time": time, "reason": reason, "entries": self._entries,
            "acting": acting, "stop": stop and {"rule": stop.rule, "duration": time - stop.since},
        }  # fmt: skip
        self._attempt(time, lambda: _rest(said))

    def _attempt(self, time: float, line: Callable[[], bytes]) -> bool:
        try:
            if self._catch_up():
                self.book.append(line())
                return True
        except Exception as error:  # whatever it is, the robot's step goes on
            self._fail(error)
        self._lost.append(time)
        self.missing += 1
        return False

    def _fail(self, error: Exception) -> None:
        self._failed = True
        self.error = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"[:200]

    def _catch_up(self) -> bool:
        """Writes what has to come before the next entry; whether the log can go on."""
        try:
            if self._opening is not None:
                self.book.append(self._opening)
                self._opening = None
            if self._lost:
                self.book.append(self._gap())
                self._lost = []
        except Exception as error:
            self._fail(error)
            return False
        return True

    def _gap(self) -> bytes:
        """What is missing."""
        lost, error = self._lost, self.error
        said = {"kind": "gap", "lost": len(lost), "since": lost[0], "until": lost[-1]}
        return _rest({**said, "error": error})


def _rest(said: Mapping[str, Any]) -> bytes:
    return values.dump(said)[1:-1]

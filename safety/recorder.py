"""Who writes down what a safety layer does: called by the layer; `safety/audit/` is ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from genba.sim.state import Command, Event, State

if TYPE_CHECKING:
    from genba.safety.layer import SafetyLayer
    from genba.safety.verdicts import Decision


class Recorder(Protocol):
    """Given to `SafetyLayer.recorder`. None of its functions may raise."""

    @property
    def failed(self) -> bool:
        """Whether something is missing from the record; `machines["recorder_failed"]` of a cell."""
        ...

    def begin(self, layer: SafetyLayer) -> None:
        """An episode begins: nothing is latched or remembered."""
        ...

    def tick(self, layer: SafetyLayer, state: State, command: Command, decision: Decision) -> None:
        """A tick is over. What the layer remembers now is what the next one starts from."""
        ...

    def skipped(self, layer: SafetyLayer) -> None:
        """The clock ran on without ticks."""
        ...

    def reset(self, layer: SafetyLayer, time: float, by: str, events: Sequence[Event]) -> None:
        """A person has reset the layer, at `time` (s)."""
        ...

    def mend(self) -> bool:
        """A person has come: try to write again. Returns whether all is well."""
        ...

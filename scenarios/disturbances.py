"""The `faults:` of a scenario: what goes wrong on purpose, when, for how long and how hard."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from genba.sim.faults import FAULTS, Plan, What


class FaultPlan(BaseModel):
    """One line of `faults:`. `genba list faults` says what each does and what its value means."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    what: What
    at: Annotated[float, Field(ge=0, le=7 * 24 * 3600, allow_inf_nan=False)] | None = None  # s
    per_hour: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.0  # at random
    seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)] | None = None
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @field_validator("what", mode="before")
    @classmethod
    def _known(cls, what: Any) -> Any:
        if what not in [w.value for w in What]:
            raise ValueError(f"no such fault; known: {', '.join(w.value for w in What)}")
        return what

    @model_validator(mode="after")
    def _sensible(self) -> FaultPlan:
        kind = FAULTS[self.what]
        if self.at is not None and self.per_hour > 0.0:
            raise ValueError("takes `at` or `per_hour`, not both")
        if self.at is None and self.per_hour == 0.0:
            raise ValueError("needs `at` (s) or `per_hour`")
        if self.value is not None and not kind.unit:
            raise ValueError(f"{self.what.value} takes no value")
        if self.value is not None and not kind.low <= self.value <= kind.high:
            raise ValueError(
                f"the value of {self.what.value} must lie between {kind.low:g} and {kind.high:g}"
            )
        return self

    def plan(self) -> Plan:
        """The same for `sim.faults.schedule`."""
        return Plan(self.what, self.at, self.per_hour, self.seconds, self.value)

"""What a scenario says of people: who walks in, and the operator whom the cell calls."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class People(Strict):
    """Who walks in the cell besides the operator. Shares after docs/standards.md section 9."""

    visits_per_hour: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.0
    behaviours: dict[Literal["indifferent", "helpful", "antagonistic", "attacking"], Share] = Field(
        default={"indifferent": 0.80, "helpful": 0.15, "antagonistic": 0.05}, min_length=1
    )
    # of those who attack: their speeds over the bound that a safety layer counts on
    haste: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] = 1.0

    @model_validator(mode="after")
    def _some_behaviour(self) -> People:
        total = sum(self.behaviours.values())
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"the shares of behaviours must add up to 1, not {total:.6g}")
        return self


class Lognormal(Strict):
    """A service time: mean (s) and coefficient of variation of a lognormal distribution."""

    mean: Seconds
    cv: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)]


def _service(mean: float, cv: float) -> Any:
    return Field(default=Lognormal(mean=mean, cv=cv))


class Operator(Strict):
    """The person the cell calls: notice, way and service times."""

    notice: tuple[Seconds, Seconds] = (5.0, 20.0)  # s, uniform between the two
    distance: Annotated[float, Field(ge=0, le=1000)] = 10.0  # m from where the operator works
    walking_speed: Annotated[float, Field(ge=0.6, le=1.6)] = 1.3  # m/s
    takeover: Lognormal = _service(2.7, 0.5)
    local_reset: Lognormal = _service(30.0, 0.6)
    jam_clear: Lognormal = _service(60.0, 0.7)
    rework: Lognormal = _service(120.0, 0.8)
    failure: Lognormal = _service(300.0, 1.0)

    @field_validator("takeover", "local_reset", "jam_clear", "rework", "failure", mode="before")
    @classmethod
    def _completed(cls, law: Any, info: ValidationInfo) -> Any:
        """Either number may be left out."""
        default = cls.model_fields[str(info.field_name)].default
        return {**default.model_dump(), **law} if isinstance(law, dict) else law

    @model_validator(mode="after")
    def _ordered(self) -> Operator:
        if self.notice[1] < self.notice[0]:
            raise ValueError("notice must be [shortest, longest]")
        return self

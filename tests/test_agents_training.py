"""A training does what was asked or says in one line why not; its card says what was done."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from pathlib import Path

import pytest

from genba.agents import AgentError, train
from genba.agents.trained import HERE


def refused(tmp_path, **more):
    """The one line with which an order is refused; nothing is left in its folder."""
    out = tmp_path / "refused"
    with pytest.raises(AgentError) as caught:
        train.main({"scenario": "kitting_alone", "steps": 2, "out": out, **more})
    assert "\n" not in str(caught.value)
    assert not out.exists() or {p.name for p in out.iterdir()} <= {".lock"}
    return str(caught.value)


@pytest.mark.parametrize("algo", ["bc", "ppo"])
def test_no_training_begins_from_a_policy_of_other_speeds(tmp_path, algo):
    """Played, such a policy is rescaled; its weights as they stand are another policy."""
    more = {"algo": algo, "from": HERE / "kitting", "overrides": ["tcp_speed=0.5", "tcp_turn=1.0"]}
    line = refused(tmp_path, **more)
    assert "units of 1 and 2" in line and "tcp_speed and tcp_turn" in line

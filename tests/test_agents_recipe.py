"""A recipe: what is done when less, or something else, is asked for than it says."""

from pathlib import Path

import pytest

from genba.agents import AgentError, train
from genba.agents.recipe import HERE, Bc, Ppo, Recipe, load_recipe, with_steps
from genba.agents.trained import HERE as WEIGHTS

OWN = load_recipe(HERE / "conveyor_sorting.yaml")


def test_fine_tuning_is_for_a_policy_that_is_there() -> None:
    """From scratch the small steps of the cell's own recipe would lead nowhere."""
    asked = {"scenario": "conveyor_sorting_alone", "algo": "ppo"}
    assert train.order(asked).recipe.stages == [Ppo()]
    begun = train.order({**asked, "from": WEIGHTS / "conveyor_sorting"})
    assert begun.recipe.stages == OWN.stages[1:] != [Ppo()]


def test_a_short_try_shares_its_steps_out_and_does_not_spend_its_time_on_a_long_fit() -> None:
    short = with_steps(OWN, 1000)
    cloning, tuning = short.stages
    assert isinstance(cloning, Bc) and isinstance(tuning, Ppo)
    assert (cloning.steps, tuning.steps, tuning.critic_first) == (400, 600, 80)
    assert (cloning.rounds, cloning.updates, cloning.final) == (1, 3, 48)
    assert (short.scoring.look, short.scoring.episodes) == (1, 0)


def test_a_longer_training_than_the_recipes_is_examined_no_more_often() -> None:
    long = with_steps(OWN, 2 * OWN.steps)
    assert [stage.steps for stage in long.stages] == [400_000, 600_000]
    assert long.stages[0] == Bc.model_validate({**OWN.stages[0].model_dump(), "steps": 400_000})
    assert long.scoring == OWN.scoring


@pytest.mark.parametrize("algos", [("bc", "sac"), ("sac", "ppo")])
def test_nothing_comes_before_sac_and_nothing_after_it(
    algos: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(f"stages: [{', '.join(f'{{algo: {algo}}}' for algo in algos)}]")
    with pytest.raises(AgentError, match="two.yaml: .*sac begins from scratch"):
        load_recipe(file)
    assert Recipe.model_validate({"stages": [{"algo": "sac"}]}).steps == 500_000

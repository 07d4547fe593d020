"""The network while it learns: PyTorch on one side, plain named numbers on the other."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import nn

from genba.agents.policy import Floats, Policy, Shape

Tensors = dict[str, Floats]


def build(shape: Shape, seed: int) -> nn.Sequential:
    """The layers without the inputs' scaling; small at the output, so that it begins still."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for wide, out in zip(shape.sizes, shape.sizes[1:], strict=False):
        layers += [nn.Linear(wide, out), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        linears(net)[-1].weight.mul_(0.1)
    return net


def linears(net: nn.Module) -> list[nn.Linear]:
    """The layers that hold numbers, in order."""
    return [m for m in net.modules() if isinstance(m, nn.Linear)]


def read(layers: list[nn.Linear]) -> Tensors:
    """The numbers of the layers by our names, weights as (inputs, outputs)."""
    found: Tensors = {}
    for i, layer in enumerate(layers):
        found[f"layer{i}.weight"] = np.ascontiguousarray(layer.weight.detach().numpy().T)
        found[f"layer{i}.bias"] = layer.bias.detach().numpy().copy()
    return found


def write(layers: list[nn.Linear], tensors: Tensors) -> None:
    """Put numbers by our names into layers of the same sizes."""
    with torch.no_grad():
        for i, layer in enumerate(layers):
            layer.weight.copy_(torch.from_numpy(tensors[f"layer{i}.weight"].T.copy()))
            layer.bias.copy_(torch.from_numpy(tensors[f"layer{i}.bias"].copy()))


def policy_of(
    shape: Shape, layers: list[nn.Linear], scaling: Tensors, tanh: bool = False
) -> Policy:
    """The policy that the layers are now. Raises AgentError where they have become NaN."""
    return Policy(shape, {**scaling, **read(layers)}, tanh).check()


def adam_state(optimiser: torch.optim.Optimizer) -> Tensors:
    """The moments and step counts of Adam as named numbers."""
    found: Tensors = {}
    for key, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            found[f"adam.{key}.{name}"] = cast(Floats, value.detach().numpy().copy())
    return found


def restore_adam(optimiser: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Put back what `adam_state` read. Raises ValueError, IndexError for what fits no parameter."""
    held: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, key, part = name.split(".")
            held.setdefault(int(key), {})[part] = torch.from_numpy(np.array(value))
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for number, parts in held.items():
        size = parameters[number].shape
        wanted = {"step": torch.Size(), "exp_avg": size, "exp_avg_sq": size}
        if {part: value.shape for part, value in parts.items()} != wanted:
            raise ValueError(f"adam.{number}")
    full = optimiser.state_dict()
    full["state"] = held
    optimiser.load_state_dict(full)

"""Kernels compiled without counting references: nothing they are given or make is lost."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="misc"

import importlib
import sys

import numpy as np
import pytest
from numba import njit, types
from numba.core.errors import TypingError
from numba.core.registry import CPUDispatcher
from numba.core.runtime.nrt import rtsys

from genba import speed_rules
from genba.safety import SafetyLayer, crowd, human, verified_stop, ways
from genba.scenarios import load
from genba.sim import chain_kernels, touch
from genba.sim.compiled import UNCOUNTED, kernel
from genba.sim.kinematics import chain_of

NRT = importlib.import_module("numba.core.runtime._nrt_python")


def kernels():
    """Every kernel of the package that does not count."""
    found = {
        value
        for name, module in list(sys.modules.items())
        if name.startswith("genba.")
        for value in vars(module).values()
        if isinstance(value, CPUDispatcher) and value.targetoptions.get("_nrt") is False
    }
    return sorted(found, key=lambda k: (k.py_func.__module__, k.py_func.__name__))


@pytest.mark.skipif(not UNCOUNTED, reason="this numba always counts")
def test_a_kernel_that_makes_an_array_is_refused():
    @njit
    def given(n):
        return np.ones(n)

    @kernel(cache=False)
    def makes(n):
        return np.ones(n).sum()

    @kernel(cache=False)
    def takes(n):
        return given(n).sum()

    for one in (makes, takes):
        with pytest.raises(TypingError):
            one(3)


def test_a_tick_with_all_rules_makes_next_to_no_array_in_compiled_code_and_loses_none():
    pairs, chain, tick = speed_rules.record(load("kitting_shared", []), 60)
    layer = SafetyLayer(speed_rules.every_rule(), {"robot": chain}, tick)

    def played(rounds):
        for i in range(rounds):
            state, command = speed_rules.fresh(pairs[i % len(pairs)], i * tick)
            layer.filter(state, command)
            if layer.latched:
                layer.start()
        layer.start()

    NRT.memsys_enable_stats()
    played(200)
    before = rtsys.get_allocation_stats()
    played(2000)
    after = rtsys.get_allocation_stats()
    made = after.mi_alloc - before.mi_alloc
    assert made < 200  # what is left to the solver of a changed motion
    assert made == after.mi_free - before.mi_free
    chain.resolve(pairs[0][0].robots["robot"].q, np.ones(6))  # makes some, to see that it counts
    assert rtsys.get_allocation_stats().mi_alloc > after.mi_alloc
    assert len(kernels()) > 30 or not UNCOUNTED
    for one in kernels():
        for made in one.overloads.values():
            assert not isinstance(made.signature.return_type, types.Array), one


@pytest.mark.parametrize("off", [-1, 1])
def test_a_room_of_another_size_is_refused_not_written_past(off):
    chain = chain_of("panda", "parallel")
    n, q = 7, np.array(chain.robot.home)
    where, doing = chain.state(q, np.zeros(n))[2:]
    links, wrong = len(where), chain_kernels.room(n).size + off
    with pytest.raises(ValueError, match="room"):
        chain_kernels.twist_command(
            q, np.zeros(6), chain.table, np.empty(n + 6 + 6 * links), np.empty(wrong)
        )
    body, moves = np.zeros((17, 7)), np.zeros((17, 6))
    memory = touch.memory(links, 17, (3.0, 1.6, 5.0))
    memory = np.append(memory, 0.0) if off > 0 else memory[:-1]
    with pytest.raises(ValueError, match="room"):
        touch.look(where, doing, body, moves, memory, np.zeros((17, touch.COLUMNS)), q, q)
    with pytest.raises(ValueError, match="room"):
        sight = np.empty((crowd.GAPS + 4 * links + 1 + off, 25))
        crowd.distances(where, np.zeros((17, crowd.BODY)), sight)
    laws, way = human.laws(human.everywhere(0.0)), np.zeros((links + 1, ways.WAY))
    numbers, gaps, boxes = np.full(8, 0.1), np.empty((0, 1)), np.empty((0, 6))
    bodies, worst = np.zeros((17, crowd.BODY)), np.empty(5)
    with pytest.raises(ValueError, match="room"):
        work = np.empty(17 + verified_stop.LOOKS + 7 - 1)
        verified_stop.clear(way, bodies, laws, gaps, boxes, numbers, 0.1, worst, work, False)
    with pytest.raises(ValueError, match="room"):
        work = np.empty(ways.room(n) + off)
        ways.stopping_way(q, q, q, doing, chain.table, np.ones((2, n)), numbers, way, work)

"""Blocks of fresh arrays: whole sets under one row, and none of them touched by another."""

from itertools import islice

import numpy as np

from genba.sim.blocks import blocks


def test_a_row_holds_its_parts_one_after_the_other() -> None:
    row, a, b = next(blocks((3,), (2, 4)))
    row[:] = np.arange(11.0)
    assert a.tolist() == [0.0, 1.0, 2.0]
    assert b.tolist() == [[3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0, 10.0]]
    assert row.flags.c_contiguous and a.flags.c_contiguous and b.flags.c_contiguous


def test_sets_share_no_memory_and_keep_what_is_written_when_others_follow() -> None:
    source = blocks((2, 3), (4,))
    kept = []
    for k, (row, *parts) in enumerate(islice(source, 200)):
        row[:] = k
        kept.append(parts)
    for k, parts in enumerate(kept):
        assert all(np.all(part == k) for part in parts)
    for one, other in zip(kept, kept[1:], strict=False):
        assert not any(np.shares_memory(a, b) for a in one for b in other)

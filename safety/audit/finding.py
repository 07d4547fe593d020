"""What a check of an audit log says."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that is wrong."""

    line: int  # from 1, as an editor counts
    what: str  # changed, missing, moved, repeated, rewritten, cut, added, unsealed, configuration
    text: str

"""A PyBullet client that is given back, whether or not its owner is closed."""

from __future__ import annotations

import weakref

import pybullet as p


class Client:
    """Owns a client of tens of megabytes, until it is closed or forgotten."""

    def __init__(self) -> None:
        self.client: int = p.connect(p.DIRECT)
        self._give_back = weakref.finalize(self, p.disconnect, self.client)
        self._give_back.atexit = False  # the process takes its memory along

    def close(self) -> None:
        """Give the client back. Closing twice is no error."""
        self._give_back()
        self.client = -1

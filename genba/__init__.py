"""Genba: factory robot cells, a safety layer, and scores of productivity and human intervention.

Nothing here is a certified safety function.
"""

from genba.kernels import prepare as _prepare

__version__ = "0.1.0"

_prepare()

"""Genba: factory robot cells, a safety layer, and scores of productivity and human intervention.

Nothing here is a certified safety function.
"""

__version__ = "0.1.0"

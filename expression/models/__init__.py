"""Models: saved networks, what runs them, and how they are exported.

    from expression import models

    network = models.load()

Notebook: 07_live
"""

from .loading import load
from .runtime import Runtime

__all__ = ["Runtime", "load"]

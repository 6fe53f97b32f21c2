"""Models: saved networks, what runs them, and how they are exported.

    from expression import models

    network = models.load()

Notebook: 07_live
"""

from .engines import Runtime
from .loading import load

__all__ = ["Runtime", "load"]

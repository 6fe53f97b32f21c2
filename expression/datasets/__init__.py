"""Datasets: pictures to learn from, in the many forms in which people have them.

    from expression import datasets

    data = datasets.read("fer2013.csv")

Notebook: 04_labels_and_data
"""

from .dataset import Dataset, Split, read

__all__ = ["Dataset", "Split", "read"]

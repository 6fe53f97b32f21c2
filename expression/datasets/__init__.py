"""Datasets: training pictures, read from the many forms in which they come.

    from expression import datasets

    data = datasets.read("fer2013.csv")

Notebook: 04_labels_and_data
"""

from .dataset import Dataset, Split, read

__all__ = ["Dataset", "Split", "read"]

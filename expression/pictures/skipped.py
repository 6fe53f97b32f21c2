"""What a reader skipped, and why: counted, named, and reported in one line.

Every reader of files (datasets, pictures, videos, a user's own set) has a `Skipped` as its
attribute `skipped`; the commands print its summary.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from collections import Counter

from ..errors import BadInputError
from ..sanitize import printable

NAMES = 3
"""The number of names kept for each reason; the rest is only counted, to limit memory."""

TOLERATED = 0.5
"""A set is rejected if a larger share was skipped: it is probably something else."""


class Skipped:
    """Counts what a reader skipped.

    Attributes:
        reasons: How often each reason occurred, in order of first occurrence.
        names: The first few names for each reason.

    Example:
        >>> skipped = Skipped()
        >>> skipped.add("notes.txt", "not a picture")
        >>> print(skipped.summary(1000, "files"))
        Skipped 1 of 1,000 files: 1 not a picture (notes.txt).
    """

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.names: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return self.reasons.total()

    def add(self, name: object, reason: str, count: int = 1) -> None:
        """Counts one more that was skipped.

        Args:
            name: The file, row or frame; control characters are escaped.
            reason: Why, worded to follow a number: "not a picture", "empty".
            count: How many it stands for.
        """
        self.reasons[reason] += count
        names = self.names.setdefault(reason, [])
        if len(names) < NAMES:
            names.append(printable(name))

    def extend(self, other: Skipped) -> None:
        """Adds what another reader skipped."""
        for reason, count in other.reasons.items():
            self.reasons[reason] += count
            kept = self.names.setdefault(reason, [])
            kept += other.names[reason][: NAMES - len(kept)]

    def summary(self, total: int, what: str = "files") -> str:
        """Returns one line that counts and names what was skipped, or "" if nothing was.

        Args:
            total: How many there were in all, including those skipped.
            what: A word for them, in the plural.
        """
        what = what if total != 1 else what.removesuffix("s")
        return f"Skipped {len(self):,} of {total:,} {what}: {self.parts()}." if self else ""

    def parts(self) -> str:
        """Returns each reason with its count and the first names, the most frequent first."""
        counts = self.reasons.most_common()
        return "; ".join(f"{count:,} {reason} ({self._named(reason)})" for reason, count in counts)

    def check(self, total: int, source: object, what: str = "files") -> None:
        """Checks that most could be read.

        Args:
            total: How many there were in all, including those skipped.
            source: Their location, for the message.
            what: A word for them, in the plural.

        Raises:
            BadInputError: More than half were skipped; the message has the most common reason.
        """
        if not total or len(self) <= TOLERATED * total:
            return
        reason, count = self.reasons.most_common(1)[0]
        share = (
            f"{len(self):,} of the {total:,} {what}" if total > 1 else f"The only {what.removesuffix('s')}"
        )
        most = "; most often" if len(self.reasons) > 1 else ""
        raise BadInputError(
            f"{share} in {source} cannot be used{most}: {count:,} {reason} ({self._named(reason)}).",
            f"Expected most of the {what} to be usable.",
            f"Check whether this is the right place, or fix or remove these {what}.",
        )

    def _named(self, reason: str) -> str:
        """Returns the first names for a reason, with an ellipsis if there are more."""
        more = ", ..." if self.reasons[reason] > len(self.names[reason]) else ""
        return ", ".join(self.names[reason]) + more

"""Editing of saved pictures: filter, select, relabel and delete; independent of a screen.

`review_page.py` draws it, `labeler.py` passes keys and clicks to it.

Notebook: 08_your_face
"""

from __future__ import annotations

from ..labelbook.book import LabelBook
from ..labelbook.rows import Row
from ..labels import folded_label
from ..sanitize import counted

PAGE = 40
"""Pictures on a page."""


def pages_of(count: int) -> int:
    """Returns how many pages so many pictures have, at least one."""
    return max(1, -(-count // PAGE))


class Review:
    """The pictures of a LabelBook, a page at a time.

    Args:
        book: The set of pictures.

    Attributes:
        filter: The label whose pictures are shown, or None for all.
        chosen: The names of the selected pictures.
        page: The number of the page shown, from 0.
        said: The last event, in a sentence.
    """

    def __init__(self, book: LabelBook):
        self.book = book
        self.filter: str | None = None
        self.chosen: set[str] = set()
        self.page = 0
        self.said = ""

    @property
    def rows(self) -> list[Row]:
        """All rows that match the filter, the newest first."""
        if self.filter not in self.book.labels:  # it was renamed
            self.filter = None
        rows = self.book.rows[::-1]
        if self.filter is None:
            return rows
        wanted = folded_label(self.filter)
        return [row for row in rows if folded_label(row.label) == wanted]

    @property
    def pages(self) -> int:
        """The number of pages, at least one."""
        return pages_of(len(self.rows))

    def shown(self) -> list[Row]:
        """Returns the rows of the page."""
        rows = self.rows
        self.page = min(self.page, pages_of(len(rows)) - 1)
        return rows[self.page * PAGE : (self.page + 1) * PAGE]

    def turn(self, pages: int) -> None:
        """Turns so many pages; after the last comes the first."""
        self.page = (self.page + pages) % self.pages

    def next_filter(self) -> None:
        """Shows only the next label; after the last one, all."""
        labels = [None, *self.book.labels]
        at = labels.index(self.filter) if self.filter in labels else 0
        self.filter, self.page, self.chosen = labels[(at + 1) % len(labels)], 0, set()

    def choose(self, image: str) -> None:
        """Selects a picture, or deselects it."""
        self.chosen ^= {image}

    def relabel(self, label: str) -> None:
        """Relabels the selected pictures."""
        count = self._known()
        if count:
            self.book.relabel(self.chosen, label)
            self._told(f"{counted(count, 'picture')} relabelled as {label}.")

    def delete(self) -> None:
        """Deletes the selected pictures."""
        count = self._known()
        if count:
            self.book.delete(self.chosen)
            self._told(f"{counted(count, 'picture')} deleted.")

    def undo(self) -> None:
        """Undoes the last change."""
        done = self.book.undo()
        self._told(f"Undone: {done}." if done else "There is nothing to undo.")

    def act(self, action: str) -> None:
        """Performs the action of a button: "picture:" or "label:" and a name, "delete" and others."""
        kind, _, name = action.partition(":")
        acts = {"picture": self.choose, "label": self.relabel}
        others = {"filter": self.next_filter, "delete": self.delete, "undo": self.undo}
        pages = {"before": -1, "after": 1}
        if kind in acts:
            acts[kind](name)
        elif kind in others:
            others[kind]()
        elif kind in pages:
            self.turn(pages[kind])

    def _known(self) -> int:
        """Returns the number of selected pictures that still exist."""
        self.chosen &= {row.image for row in self.book.rows}
        if not self.chosen:
            self.said = "Select some pictures first."
        return len(self.chosen)

    def _told(self, said: str) -> None:
        self.said, self.chosen = said, set()

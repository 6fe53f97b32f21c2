"""Vision: finding faces, following people, and drawing what was read."""

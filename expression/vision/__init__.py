"""Vision: detecting faces, tracking people, and drawing readings."""

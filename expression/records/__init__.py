"""Records: rows of readings in files, and readings in a database."""

"""The course assignment "Emotions detector": the names of its files, and an audit of what is there."""

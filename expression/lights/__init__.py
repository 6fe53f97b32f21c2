"""Lights: a Hue bridge and its lamps."""

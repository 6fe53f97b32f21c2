"""Rows of readings: their columns, and reading them back."""

"""From recordings to rows of readings: every frame, on all cores, safe to stop and resume."""

"""Live: the threads of a run, and the object that they share."""

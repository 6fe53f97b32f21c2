"""Pictures: files of any kind, arrays, hashes, and the scaling of a network's input."""

"""Pictures: files of any kind, arrays, hashes, and the numbers that a network takes."""

"""Teaching: what the lessons and benchmarks use, and nothing else."""

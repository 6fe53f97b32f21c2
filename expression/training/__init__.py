"""Training: training a network, evaluating it and personalising it."""

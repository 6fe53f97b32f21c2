"""Training: teaching a network, evaluating it, and making it yours."""

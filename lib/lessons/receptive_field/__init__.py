"""The lesson on receptive fields: which pixels an output can see, and to which of them it listens."""

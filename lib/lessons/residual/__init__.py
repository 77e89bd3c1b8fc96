"""Residual learning: plain against residual, the identity, shortcuts, signals and gradients before training."""

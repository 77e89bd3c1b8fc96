"""Batch normalisation: what it does to a signal, what it learns and keeps, in training and after it, and what for."""

"""Residual learning: plain against residual, the identity, shortcuts, signals and gradients before training."""

from lib.lessons.residual.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

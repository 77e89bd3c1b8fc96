"""Depthwise separable convolutions, inverted residuals, shuffled channels, and what a count says about time."""

from lib.lessons.efficient.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

"""Inception: branches side by side, 1x1 reductions, the stem, kernels taken apart, auxiliary classifiers."""

from lib.lessons.inception.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

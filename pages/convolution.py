"""The arithmetic of a convolution: its window, the size of its output, its weights, and what it is equal to."""

from lib.lessons.convolution.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

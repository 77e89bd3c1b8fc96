"""Identity mappings: five orderings of a residual unit, and why nothing should act on the sum."""

from lib.lessons.preactivation.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

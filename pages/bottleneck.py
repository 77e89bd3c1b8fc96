"""The bottleneck block against two 3x3 convolutions, and with groups."""

from lib.lessons.bottleneck.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

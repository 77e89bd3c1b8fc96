"""ResNet-B, -C and -D: what a strided block never reads, and what three tweaks cost and gain."""

from lib.lessons.tweaks.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

"""Attention in channels: SE, SK and split attention from one skeleton, their gates on a picture, radix and cardinality."""

from lib.lessons.attention.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

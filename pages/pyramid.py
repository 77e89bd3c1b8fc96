"""Feature pyramid: four designs and their costs, C2-C5 to P2-P5, a level on the picture, a small object, the ablations."""

from lib.lessons.pyramid.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

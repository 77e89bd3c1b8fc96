"""What an output can see, layer by layer, and what it listens to at initialisation."""

from lib.lessons.receptive_field.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

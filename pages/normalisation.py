"""Batch normalisation: what it does to a signal, what it keeps, training against evaluation, and what depth needs it for."""

from lib.lessons.normalisation.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

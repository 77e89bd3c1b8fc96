"""ResNeXt: three forms of one block, groups as a matrix, cardinality against width, adding and concatenating."""

from lib.lessons.resnext.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

"""AlexNet, ZFNet and VGG: where the cost lies, and what VGG's rules do to it."""

from lib.lessons.vgg.steps import LESSON
from lib.ui.lesson import show

show(LESSON)

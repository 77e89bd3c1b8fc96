"""The garbage collector: what is garbage goes also when it was set aside, and a rest is seen."""

import gc
import weakref

from lib.web import collector


class Ring:
    """Garbage that only the collector finds: it refers to itself."""

    def __init__(self):
        self.own = self


def test_garbage_that_was_set_aside_goes_too():
    living = Ring()
    collector.tidy()
    assert gc.get_freeze_count() > 100_000  # torch and all the rest are not walked again
    gone = weakref.ref(living)
    del living
    gc.collect()
    assert gone() is not None  # frozen
    collector.tidy()
    assert gone() is None

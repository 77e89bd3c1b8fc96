"""The C library's heap, so that memory which nobody uses goes back to the system. GNU's alone has these switches."""

import ctypes
from contextlib import suppress

TRIM, LARGE, HEAPS = 0, -3, -8
"""How much to leave at the heap's end, and the numbers of M_MMAP_THRESHOLD and M_ARENA_MAX."""


def keep_together() -> None:
    """No more heaps than there are by now, and none for large pieces. Else each new thread may begin another heap, and what
    all leave unused between the pieces in use adds up."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(HEAPS, 1)
        library.mallopt(LARGE, 128 * 1024)


def give_back() -> None:
    """Give what is free in the heap back to the system; of itself, the library keeps much of it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(TRIM)

"""The C library's heap: threads share one, and what is free goes back to the system."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only GNU's C library has these switches")

START = """
import ctypes, psutil, sys
from threading import Barrier, Thread
sys.path.insert(0, "lib")  # without all that `import lib` brings
import heap
def resident(): return psutil.Process().memory_info().rss
"""
COUNT = """
if sys.argv[1] == "together":
    heap.keep_together()
together = Barrier(12)
def work():
    together.wait()
    own = bytes(100_000)
    together.wait()
threads = [Thread(target=work) for _ in range(12)]
for each in threads: each.start()
for each in threads: each.join()
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
library.malloc_info(0, ctypes.c_void_p(library.fdopen(1, b"w")))
library.fflush(None)
"""
FREE = """
pieces = [b"x" * 100_000 for _ in range(2000)]
last = b"x" * 100_000  # stands after them, so that the heap cannot simply end earlier
full = resident()
del pieces
before = resident()
heap.give_back()
print(full, before, resident())
"""


def said(script: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", START + script, *arguments], capture_output=True, text=True, check=True,
                          timeout=120, cwd=ROOT).stdout


def test_new_threads_begin_no_new_heap():
    apart, together = (said(COUNT, how).count("<heap ") for how in ("apart", "together"))
    assert together <= 2 < 6 <= apart


def test_what_is_free_goes_back():
    full, before, after = map(int, said(FREE).split())
    assert full - before < 50_000_000 and before - after > 150_000_000

"""Finds a Chrome or Chromium for the browser tests; with `--install` it gets one where there is none.

Order: the one named in CHROME, one on the PATH, macOS's application, Playwright's own. To install: Playwright's own,
then the libraries it needs, else Debian's package. First on the PATH is Debian's `chromium-headless-shell`: the same
Chromium without the window around the page, whose own parts take a sixth of the time of the browser tests.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

NAMES = ("chromium-headless-shell", "google-chrome", "google-chrome-stable", "chromium", "chromium-browser")
MAC = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")


def find() -> str | None:
    """The path of a browser that starts, or None."""
    return next(filter(starts, candidates()), None)


def candidates() -> Iterator[str]:
    """Where a browser may be, the nearest first. The one named in CHROME is taken alone."""
    if named := os.environ.get("CHROME"):
        yield named
        return
    yield from filter(None, map(shutil.which, NAMES))
    yield from MAC
    yield playwrights_own()


def starts(path: str) -> bool:
    """Whether this is a browser with all its libraries. Ubuntu's `chromium-browser` may be a mere hint to install one."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwrights_own() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def install() -> None:
    """Get Playwright's Chromium, then its libraries, then Debian's package: the first that ends with a browser."""
    run(sys.executable, "-m", "playwright", "install", "chromium")
    if find() or not shutil.which("apt-get"):
        return
    run(*as_root(), sys.executable, "-m", "playwright", "install-deps", "chromium")
    if find():
        return
    run(*as_root(), "apt-get", "update", "-qq")
    run(*as_root(), "apt-get", "install", "-y", "-qq", "chromium")


def run(*command: str) -> None:
    """A step that may fail: what counts is whether there is a browser afterwards."""
    print(*command, flush=True)
    try:
        subprocess.run(command, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error)


def as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


if __name__ == "__main__":
    if "--install" in sys.argv and "CHROME" not in os.environ and not find():
        install()
    print(f"browser for the tests: {find() or 'none found; its tests will be skipped (in CI: fail)'}")

"""Finds a Chrome or Chromium for the browser tests; with `--install` it gets one where there is none.

Order: the one named in CHROME, one on the PATH, macOS's application, Playwright's own. To install: Playwright's own,
else Debian's package.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def find() -> str | None:
    """The path of a browser, or None."""
    named = os.environ.get("CHROME")
    candidates = [named, *map(shutil.which, NAMES), MAC, _playwrights_own()]
    return next((path for path in candidates if path and Path(path).exists()), None)


def _playwrights_own() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def install() -> None:
    """Get Playwright's Chromium; where that cannot be had, Debian's package."""
    if subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"]).returncode == 0:
        return
    if shutil.which("apt-get"):
        elevate = [] if os.geteuid() == 0 else ["sudo", "-n"]
        subprocess.run([*elevate, "apt-get", "update", "-qq"])
        subprocess.run([*elevate, "apt-get", "install", "-y", "-qq", "chromium"])


if __name__ == "__main__":
    if "--install" in sys.argv and not find():
        install()
    print(f"browser for the tests: {find() or 'none found; its tests will be skipped (in CI: fail)'}")

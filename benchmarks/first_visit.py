"""What a browser's first visit loads over a slow line, and how long that takes: `python -m benchmarks.first_visit`.

Each page is opened in a browser that has never been here, over a line of 1.5 Mbit/s and 40 ms: as Streamlit sends its
files, with gzip (what browsers take without HTTPS from a machine that is not their own) and with Brotli. `HTTP MB` is what
the browser says it was sent, headers included; `all MB` is what the server sent in that time by any way, the websocket's
messages among it. The time ends when nothing has been on its way for half a second and the page has not changed for a
quarter, both included. Every page is opened once beforehand, so that Brotli's smallest copies are there in their turn.
"""

import argparse
import time

from tests.browser import harness
from tests.browser.find import find
from tests.browser.line import line_to

PAGES = ("/", "/explore", "/residual")
CODINGS = {"as it is": "identity", "gzip": "gzip", "Brotli": "gzip, br"}
SLOW = {"offline": False, "latency": 40, "downloadThroughput": 1.5e6 / 8, "uploadThroughput": 1.5e6 / 8}
"""Milliseconds, and bytes per second."""
PATIENCE = 300_000  # milliseconds


class Visit:
    """One opening of a page in a new browser: bytes by HTTP and in all, and seconds."""

    def __init__(self, browser, server: str, path: str, codings: str, slow: bool = True):
        self.underway, self.bytes, self.last = set(), 0, time.perf_counter()
        with line_to(server) as line:
            page = harness.new_page(browser, line.address)
            page.set_default_timeout(PATIENCE)
            self.listen(page, codings, slow)
            start = time.perf_counter()
            harness.goto(page, path)
            while self.underway or time.perf_counter() - self.last < 0.5:
                page.wait_for_timeout(50)
            harness.settle(page)
            self.seconds, self.carried = time.perf_counter() - start, line.carried["down"]
            page.context.close()

    def listen(self, page, codings: str, slow: bool) -> None:
        tools = page.context.new_cdp_session(page)
        tools.send("Network.enable")
        tools.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": codings}})
        if slow:
            tools.send("Network.emulateNetworkConditions", SLOW)
        tools.on("Network.requestWillBeSent", lambda event: self.underway.add(event["requestId"]))
        tools.on("Network.loadingFinished", lambda event: self.came(event["requestId"], event["encodedDataLength"]))
        tools.on("Network.loadingFailed", lambda event: self.came(event["requestId"], 0))

    def came(self, request: str, size: float) -> None:
        self.underway.discard(request)
        self.bytes, self.last = self.bytes + size, time.perf_counter()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pages", nargs="*", default=PAGES)
    pages = arguments.parse_args().pages
    with harness.serve() as server, harness.launch(find()) as browser:
        for path in pages:
            Visit(browser, server, path, CODINGS["Brotli"], slow=False)
        print(f"{'page':14}{'files':>10}{'HTTP MB':>10}{'all MB':>9}{'seconds':>10}")
        for path in pages:
            for name, codings in CODINGS.items():
                visit = Visit(browser, server, path, codings)
                sizes = f"{visit.bytes / 1e6:10.2f}{visit.carried / 1e6:9.2f}"
                print(f"{path:14}{name:>10}{sizes}{visit.seconds:10.1f}", flush=True)


if __name__ == "__main__":
    main()

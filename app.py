"""The application: `streamlit run app.py`."""

import os
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from threading import Thread

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

WAITING = os.environ.get("OMP_WAIT_POLICY")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's threads wait asleep: people do not spin on each other's cores

import lib  # noqa: E402
from lib import heap  # noqa: E402
from lib.analysis.atlas import compute_all  # noqa: E402
from lib.lab.lab import start as ask_for_devices  # noqa: E402
from lib.lab.lessons import prepare  # noqa: E402
from lib.limits import limits  # noqa: E402
from lib.ui.rehearsal import rehearse  # noqa: E402
from lib.web import collector  # noqa: E402
from lib.web.assets import Assets  # noqa: E402
from lib.web.headers import SafeHeaders, embedders  # noqa: E402
from lib.web.visitor import VisitorCookie  # noqa: E402

if WAITING is None:  # torch has read it; in the process that measures, threads wait as torch's do by themselves
    del os.environ["OMP_WAIT_POLICY"]

heap.keep_together()

try:
    limits()
    EMBEDDERS = embedders()
except lib.Impossible as error:  # here, as what the lifespan raises comes with a traceback
    raise SystemExit(str(error))


SCRIPTS = {"lib.__main__", "lib.ui.shell"}
"""What does something when it is imported."""


@asynccontextmanager
async def warm_up(app):
    """Import what the pages need and run the engine once, so that the first visitor does not wait for that; then compute
    the Atlas, ask what can be measured on, begin to collect garbage, and, when nobody
    wants anything, measure what classes ask for first and open the pages."""
    for module in walk_packages(lib.__path__, "lib."):
        if module.name not in SCRIPTS:
            import_module(module.name)
    lib.analyze("resnet18")
    Thread(target=compute_all, daemon=True).start()
    ask_for_devices()
    collector.start()
    for task in (prepare, rehearse):
        Thread(target=task, args=(collector.resting.wait,), daemon=True).start()
    print(f"Backbone Lab: http://localhost:{st.get_option('browser.serverPort')}", flush=True)
    yield {}


STATIC = Path(st.__file__).parent / "static"
COPIES = Path(__file__).parent / ".compressed"

app = st.App("lib/ui/shell.py", lifespan=warm_up, routes=[Route("/healthz", lambda request: PlainTextResponse("ok"))],
             middleware=[Middleware(SafeHeaders, page=STATIC / "index.html", embedders=EMBEDDERS), Middleware(VisitorCookie),
                         Middleware(Assets, files=STATIC / "static", copies=COPIES)])

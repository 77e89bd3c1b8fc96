"""The application: `streamlit run app.py`."""

import gc
import os
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

WAITING = os.environ.get("OMP_WAIT_POLICY")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's threads wait asleep: people do not spin on each other's cores

import lib  # noqa: E402
from lib.analysis.atlas import compute_all  # noqa: E402
from lib.lab.lab import start as ask_for_devices  # noqa: E402
from lib.lab.limits import limits  # noqa: E402
from lib.web.assets import Assets  # noqa: E402
from lib.web.headers import SafeHeaders, embedders  # noqa: E402

if WAITING is None:  # torch has read it; in the process that measures, threads wait as torch's do by themselves
    del os.environ["OMP_WAIT_POLICY"]

try:
    limits()
    EMBEDDERS = embedders()
except lib.Impossible as error:  # here, as what the lifespan raises comes with a traceback
    raise SystemExit(str(error))


@asynccontextmanager
async def warm_up(app):
    """Run the engine once, then take all that was imported from the garbage collector; meanwhile compute the Atlas and
    ask what can be measured on.

    Streamlit collects garbage after every run; walking all of torch each time would take ten times as long as the run.
    """
    lib.analyze("resnet18")
    gc.collect()
    gc.freeze()
    Thread(target=compute_all, daemon=True).start()
    ask_for_devices()
    print(f"Backbone Lab: http://localhost:{st.get_option('server.port')}", flush=True)
    yield {}


STATIC = Path(st.__file__).parent / "static"
COPIES = Path(__file__).parent / ".compressed"

app = st.App("lib/ui/shell.py", lifespan=warm_up,
             routes=[Route("/healthz", lambda request: PlainTextResponse("ok"))],
             middleware=[Middleware(SafeHeaders, page=STATIC / "index.html", embedders=EMBEDDERS),
                         Middleware(Assets, files=STATIC / "static", copies=COPIES)])

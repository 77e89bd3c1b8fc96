"""The server's first visitor is the server itself: it opens every page once, when it rests, so that nobody waits for what
whoever comes first would wait for.
"""

import logging
from collections.abc import Callable

import streamlit as st
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from lib.ui.contents import CONTENTS, path

AGENT = "Backbone Lab's rehearsal"
PATIENCE = 120.0
"""Seconds that a page may be silent."""


def rehearse(rest: Callable[[], None]) -> None:
    """Open all pages; `rest()` returns when the server has nothing else to do. Where this server cannot be reached, as under
    another host's own server, nothing is lost but the warmth."""
    address = f"ws://{st.get_option('server.address') or '127.0.0.1'}:{st.get_option('server.port')}/_stcore/stream"
    try:
        for page in (page for pages in CONTENTS.values() for page in pages):
            rest()
            _open(address, path(page))
    except (OSError, WebSocketException) as error:
        logging.info("the pages were not opened beforehand: %s", error)


def _open(address: str, page: str) -> None:
    """Open a page as a browser does, and read until its run has ended."""
    wish = BackMsg()
    wish.rerun_script.page_name = page
    with connect(address, subprotocols=["streamlit"], max_size=None, ping_interval=None, user_agent_header=AGENT) as line:
        line.send(wish.SerializeToString())
        while not ForwardMsg.FromString(line.recv(timeout=PATIENCE)).HasField("script_finished"):
            pass


def is_rehearsal() -> bool:
    """Whether the page that runs is opened by the server itself, so that nobody waits for what follows it."""
    return st.context.headers.get("User-Agent") == AGENT

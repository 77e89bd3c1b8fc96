"""A line between browser and server that goes silent, is cut and is mended: for the tests of a lost connection."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread


class Line:
    """Carries what comes to `address` on to the server, as long as it may."""

    def __init__(self, server: str):
        host, _colon, port = server.rpartition("//")[2].rpartition(":")
        self.server, self.open, self.ends = (host, int(port)), True, []
        self.silent: set[str] = set()  # of "up" and "down": what goes this way is swallowed
        self.carried = Counter()  # bytes, by the way that they went
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        try:
            while True:
                near, _address = self.door.accept()
                self._connect(near) if self.open else near.close()
        except OSError:
            return  # the door was closed

    def _connect(self, near: socket.socket) -> None:
        far = socket.create_connection(self.server)
        self.ends += [near, far]
        for way, from_, to in (("up", near, far), ("down", far, near)):
            Thread(target=self._carry, args=(way, from_, to), daemon=True).start()

    def _carry(self, way: str, from_: socket.socket, to: socket.socket) -> None:
        try:
            while data := from_.recv(1 << 16):
                if way not in self.silent:
                    to.sendall(data)
                    self.carried[way] += len(data)
        except OSError:
            pass
        _hang_up(from_, to)

    def cut(self) -> None:
        """End all that goes over the line, and let nothing in."""
        self.open = False
        _hang_up(*self.ends)

    def mend(self) -> None:
        self.open, self.silent = True, set()


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is over already


@contextmanager
def line_to(server: str) -> Iterator[Line]:
    """A line to the server at this address."""
    line = Line(server)
    try:
        yield line
    finally:
        line.cut()
        line.door.close()

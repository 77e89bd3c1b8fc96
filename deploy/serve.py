"""Several processes of the app on this machine, behind HAProxy: `make serve`, or `WORKERS=4 PORT=8600 make serve`.

One process of the app keeps one core busy, as Python lets one thread at a time run. HAProxy (haproxy.cfg) leads each
visitor to the same process again; supervisor (supervisord.conf) starts all and starts again what has died.
"""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from supervisor.supervisord import main as supervise

FOLDER = Path(__file__).parent
MOST_WORKERS = 64
ASK = "import app; from lib.devices import cores; from lib.web.visitor import secret; print(cores(), secret())"
NO_HAPROXY = """`make serve` needs HAProxy, which is not here. To get it:
Debian, Ubuntu:  sudo apt-get install haproxy
Fedora:          sudo dnf install haproxy
macOS:           brew install haproxy
With containers it comes along: docker compose up (docs/server.md)."""
SQLITE = "Runs are kept in runs.sqlite, which the processes share; DATABASE_URL would name a PostgreSQL database instead."


def main() -> None:
    """Serve until Ctrl-C. Ends with a sentence if something is missing or wrong."""
    os.chdir(FOLDER.parent)
    if not shutil.which("haproxy"):
        raise SystemExit(NO_HAPROXY)
    port = number("PORT", 8501, 65_000)
    cores, secret = asked()
    workers = number("WORKERS", min(int(cores), MOST_WORKERS), MOST_WORKERS)
    ports = range(port + 1, port + 1 + workers)
    refuse_taken(port, *ports)
    print(f"Backbone Lab starts, {workers} process{'es' * (workers > 1)} behind HAProxy. Ctrl-C ends all.")
    if not os.environ.get("DATABASE_URL"):
        print(SQLITE)
    sys.stdout.flush()
    with TemporaryDirectory(prefix="backbone-lab-") as folder:
        Path(folder, "servers.cfg").write_text(servers(ports))
        os.environ.update(PORT=str(port), WORKERS=str(workers), FIRST_PORT=str(ports[0]), PYTHON=sys.executable,
                          FOLDER=folder, TURNS_FOLDER=folder)
        os.environ.setdefault("STREAMLIT_SERVER_COOKIE_SECRET", secret)  # what one signs, another must read
        supervise(["-c", str(FOLDER / "supervisord.conf"), "-u", str(os.getuid())])


def number(name: str, usual: int, most: int) -> int:
    """A number of the environment, from 1 to `most`. Ends with a sentence for anything else."""
    given = os.environ.get(name) or str(usual)
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise SystemExit(f"{name} must be a whole number from 1 to {most}, not “{given[:40]}”.")
    return int(given)


def asked() -> list[str]:
    """How many cores there are, and what cookies are signed with. Tries the app's own start for it: what is wrong there is
    then said once, and here."""
    answer = subprocess.run([sys.executable, "-c", ASK], stdout=subprocess.PIPE, text=True)
    if answer.returncode:
        raise SystemExit(answer.returncode)
    return answer.stdout.split()


def refuse_taken(*ports: int) -> None:
    """Ends with a sentence if one of these ports cannot be listened on, as where another program does."""
    for port in ports:
        try:
            socket.create_server(("", port)).close()
        except OSError as error:
            raise SystemExit(f"Port {port} cannot be used: {error.strerror}. The server needs the ports {ports[0]} to "
                             f"{ports[-1]}. Choose other ones by the first: PORT=8600 make serve") from None


def servers(ports: range) -> str:
    """The part of HAProxy's configuration that names the processes."""
    return "backend app\n" + "".join(f"    server app{port} 127.0.0.1:{port} cookie {port}\n" for port in ports)


if __name__ == "__main__":
    main()

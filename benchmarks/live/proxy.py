"""nginx with the configuration of docs/live.md, in front of servers on this machine."""

import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "live.md"
STRANGER = "127.0.0.2"
"""An address of this machine that is not that of the other clients: nginx limits the connections of each address."""


def configuration(ports: Sequence[int], port: int) -> str:
    """The configuration in docs/live.md for servers at these ports and a proxy at ``port``."""
    found = re.search(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert found is not None, f"{PAGE} has no configuration of nginx"
    servers = "\n".join(f"server 127.0.0.1:{each};" for each in ports)
    text = re.sub(r"server 127\.0\.0\.1:8001;\s+server 127\.0\.0\.1:8002;", servers, found[1])
    return text.replace("listen 80;", f"listen 127.0.0.1:{port};")


@contextmanager
def proxied(ports: Sequence[int], *, addresses: str = "") -> Iterator[int]:
    """Run nginx in front of servers at these ports; yields its own port.

    Args:
        ports: of the servers.
        addresses: in place of ``limit_conn clients 100;``, such as ``limit_conn clients 5000;`` where all watches have
            one address.
    """
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        text = configuration(ports, port).replace("limit_conn clients 100;", addresses or "limit_conn clients 100;")
        path = Path(folder) / "nginx.conf"
        path.write_text(text.replace("http {", "http {\naccess_log off;", 1), encoding="utf-8")
        free.close()
        settings = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
        running = subprocess.Popen(
            ["nginx", "-p", folder, "-c", str(path), "-e", f"{folder}/error.log", "-g", settings]
        )
        try:
            wait_for(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close(), running)
            yield port
        finally:
            running.terminate()
            running.wait(20)


def wait_for(answers: Callable[[], object], running: subprocess.Popen[bytes]) -> None:
    """Wait until a call to a new server raises no OSError, at most a minute and only while the process runs."""
    until_s = time.monotonic() + 60
    while True:
        try:
            answers()
            return
        except OSError:
            if running.poll() is not None or time.monotonic() > until_s:
                raise
            time.sleep(0.1)

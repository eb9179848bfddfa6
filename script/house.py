"""How many modules of the package take part in a task: few are easy to follow.

Usage: python script/house.py [CHECKOUT] [--cwa FILE.cwa]   (CHECKOUT: another one to look at, such as an older commit)

Prints JSON. A module takes part when one of its functions is called while a command runs: ``harken label`` of a .cwa
file (only with --cwa), ``train`` on a CSV file, ``benchmark`` from a table to scores, ``serve`` from a message of a
WebSocket to the page's view, ``annotate`` from a change of labels to the file. Modules that are only imported do not
count there, nor do those that only a further process calls. A command that fails ends the script.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np

START_MS = 1_600_000_000_000
OUT = "modules.txt"
STOPPED = 130
"""The exit code after Ctrl+C, by which the servers are stopped."""
PROFILED = f"""
import sys, threading
modules = set()
def seen(frame, event, argument):
    name = frame.f_globals.get("__name__", "")
    is_function = frame.f_code.co_flags & 1  # and no body of a module or class
    if event == "call" and is_function and is_harken(name) and name not in modules and not is_imported(frame):
        modules.add(name)
def is_harken(name):
    return name.split(".")[0] == "harken"
def is_imported(frame):
    # such as one that defines a dataclass, whose methods are made by calls
    while frame is not None:
        if frame.f_code.co_name == "<module>" and is_harken(frame.f_globals.get("__name__", "")):
            return True
        frame = frame.f_back
    return False
threading.setprofile(seen)
sys.setprofile(seen)
from harken.cli import main
try:
    main()
finally:
    sys.setprofile(None)
    with open({OUT!r}, "w") as file:
        file.write("\\n".join(sorted(modules)))
"""
LOADED = "print(sum(name.split('.')[0] == 'harken' for name in __import__('sys').modules))"
IMPORTS = {
    "import harken": "import harken",
    "from harken import Recogniser": "from harken import Recogniser",
    "Recogniser.load()": "from harken import Recogniser; Recogniser.load()",
}
COMMANDS = {
    "harken train on a CSV": ("train", "me.csv", "--epochs", "1", "--out", "run"),
    "harken benchmark of a table": (
        *("benchmark", "study.csv", "--protocol", "leave-one-person-out", "--out", "scores"),
        *("--no-preset", "--baseline", "random_forest", "--workers", "0"),
    ),
}


def main() -> None:
    """Look at a checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, nargs="?", default=Path(__file__).parents[1])
    parser.add_argument("--cwa", type=Path, help="an Axivity file to label")
    arguments = parser.parse_args()
    environment = {"PYTHONPATH": str(arguments.checkout.resolve() / "src"), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    os.environ |= environment
    commands = COMMANDS
    if arguments.cwa is not None:
        label = ("label", str(arguments.cwa.resolve()), "--out", "labelled", "--workers", "1")
        commands = {"harken label of a .cwa": label} | COMMANDS
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        os.chdir(folder)
        _write_people(Path("me.csv"), 1)
        _write_people(Path("study.csv"), 3)
        loaded = {name: int(_python(f"{statement}\n{LOADED}")) for name, statement in IMPORTS.items()}
        parts = {name: _taking_part(command) for name, command in commands.items()}
        parts["harken serve, one message"] = _served(_send_samples, "serve")
        parts["harken annotate, one saved label"] = _served(_save_label, "annotate", "me.csv", "--no-model")
    print(json.dumps({"modules loaded": loaded, "modules that take part": parts}, indent=2))


def _write_people(path: Path, people: int) -> None:
    """Ten minutes of each person, who sits and walks in turn."""
    rng = np.random.default_rng(0)
    lines = ["Timestamp,X,Y,Z,Label,Subject"]
    time_ms = np.arange(0, 600_000, 40)
    still = np.arange(len(time_ms)) // 3_000 % 2 == 0
    for person in range(people):
        x = np.where(still, 0.0, 9.8 * np.sin(time_ms / 80))
        y, z = 0.3 * x, 9.81 + 0.3 * x  # an axis that stays still in walking counts as broken
        x, y, z = np.stack([x, y, z]) + rng.normal(0, 0.05, (3, len(x)))
        rows = zip(START_MS + time_ms, x, y, z, np.where(still, "sitting", "walking"), strict=True)
        lines += [f"{t},{a:.4f},{b:.4f},{c:.4f},{label},person {person}" for t, a, b, c, label in rows]
    path.write_text("\n".join([*lines, ""]))


def _python(code: str, *arguments: str) -> str:
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(arguments) or code} ended with exit code {ended.returncode}:\n{ended.stderr}")
    return ended.stdout


def _taking_part(command: tuple[str, ...]) -> int:
    _python(PROFILED, *command)
    return len(Path(OUT).read_text().split())


def _served(exchange: Callable[[int], None], *command: str) -> int:
    """The same for a command that serves until it is stopped, after an exchange with its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Path(OUT).unlink(missing_ok=True)
    arguments = [sys.executable, "-c", PROFILED, *command, "--no-open", "--port", str(port)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as server:
        try:
            _wait(lambda: _connects(port))
            exchange(port)
        finally:
            server.send_signal(signal.SIGINT)
            exit_code = server.wait(timeout=60)
    if exit_code not in (0, STOPPED):
        sys.exit(f"harken {command[0]} ended with exit code {exit_code}")
    return len(Path(OUT).read_text().split())


def _connects(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port)):
        return True


def _send_samples(port: int) -> None:
    from websockets.sync.client import connect

    begin_ms = round(time.time() * 1000) - 30_000
    with (
        connect(f"ws://127.0.0.1:{port}/ws/view") as view,
        connect(f"ws://127.0.0.1:{port}/ws/samples?watch=me") as samples,
    ):
        view.send(json.dumps({"type": "choose", "watch": "me"}))
        time_ms = [begin_ms + 20 * row for row in range(1_500)]
        x = np.sin(np.arange(1_500) / 9).round(3).tolist()
        for row in range(0, 1_500, 50):
            part = slice(row, row + 50)
            samples.send(json.dumps({"time_ms": time_ms[part], "x": x[part], "y": [0.0] * 50, "z": [1.0] * 50}))
        samples.recv(timeout=60)
        view.recv(timeout=60)
        time.sleep(2)


def _save_label(port: int) -> None:
    address = f"http://127.0.0.1:{port}/api/recordings/0"

    def is_read() -> bool:
        with urllib.request.urlopen(address, timeout=60) as found:
            return bool(json.load(found)["state"] == "ready")

    _wait(is_read)
    bout = {"start_ms": START_MS, "end_ms": START_MS + 60_000, "label": "sitting", "note": ""}
    body = json.dumps({"client": "a", "intervals": [bout]}).encode()
    request = urllib.request.Request(f"{address}/labels", body, {"If-Match": '"none"'}, method="PUT")
    with urllib.request.urlopen(request, timeout=60) as found:
        found.read()
    _wait(Path("me.labels.csv").exists)


def _wait(ready: Callable[[], bool]) -> None:
    for _ in range(600):
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("the server did not answer within a minute")


if __name__ == "__main__":
    main()

"""How easy the package is to read, in numbers: rooms, modules, lines, long functions, and modules on a sample's way.

Usage: python script/house.py [CHECKOUT] [--cwa FILE.cwa]   (CHECKOUT: another one to look at, such as an older commit)

Prints JSON. A module is on a sample's way when one of its functions is called while a command runs: ``harken label`` of
a .cwa file (only with --cwa), ``harken train`` on a CSV file, and ``harken serve`` from a WebSocket message to the
page's view. Modules that are only imported do not count there.
"""

import argparse
import ast
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

__all__: list[str] = []

LONGEST_FUNCTION_LINES = 60
PROFILED = """
import sys, threading
modules = set()
def seen(frame, event, argument):
    if event == "call" and frame.f_code.co_flags & 1:  # a function, and no body of a module or class
        modules.add(frame.f_globals.get("__name__", ""))
threading.setprofile(seen)
sys.setprofile(seen)
from harken.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
except KeyboardInterrupt:
    code = 0
finally:
    sys.setprofile(None)
    with open(OUT, "w") as file:
        file.write("\\n".join(sorted(name for name in modules if name.split(".")[0] == "harken")))
"""


def main() -> None:
    """Look at a checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, nargs="?", default=Path(__file__).parents[1])
    parser.add_argument("--cwa", type=Path, help="an Axivity file to label")
    arguments = parser.parse_args()
    source = arguments.checkout.resolve() / "src"
    found = sizes(source / "harken") | loaded(source)
    with tempfile.TemporaryDirectory() as folder:
        found["modules on a sample's way"] = ways(source, Path(folder), arguments.cwa and arguments.cwa.resolve())
    print(json.dumps(found, indent=2))


def sizes(package: Path) -> dict[str, Any]:
    """What is in the files."""
    files = sorted(package.rglob("*.py"))
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    rooms = {
        file.relative_to(package).parts[0].removesuffix(".py")
        for file in files
        if file.parent != package or file.name not in ("__init__.py", "__main__.py")
    }
    largest = max(lines, key=lines.__getitem__)
    long = {
        f"{file.relative_to(package)}:{node.name}": node.end_lineno - node.lineno + 1
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
        if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION_LINES
    }
    return {
        "rooms": len(rooms),
        "modules": len(files),
        "lines": sum(lines.values()),
        "median lines of a file": median(lines.values()),
        "largest file": [str(largest.relative_to(package)), lines[largest]],
        "files of at most 40 lines": sum(count <= 40 for count in lines.values()),
        f"functions of more than {LONGEST_FUNCTION_LINES} lines": long,
    }


def loaded(source: Path) -> dict[str, Any]:
    """How many modules of harken an import loads."""
    home = (
        "harken.models.recogniser" if (source / "harken" / "models" / "recogniser.py").exists() else "harken.recogniser"
    )
    code = "print(sum(name.split('.')[0] == 'harken' for name in __import__('sys').modules))"
    return {
        f"modules loaded by {name}": int(_python(source, "-c", f"{statement}\n{code}").strip())
        for name, statement in {
            "import harken": "import harken",
            "the module of Recogniser": f"import {home}",
            "Recogniser.load()": "from harken import Recogniser; Recogniser.load()",
        }.items()
    }


def ways(source: Path, folder: Path, cwa: Path | None) -> dict[str, int]:
    """How many modules take part in a command."""
    _write_recording(folder / "me.csv")
    found: dict[str, int] = {}
    if cwa is not None:
        found["harken label of a .cwa"] = _profiled(
            source, folder, "label", str(cwa), "--out", "labelled", "--workers", "1"
        )
    epochs = "--epochs" if "--epochs" in _python(source, "-m", "harken", "train", "--help") else "--passes"
    found["harken train on a CSV"] = _profiled(source, folder, "train", "me.csv", "--out", "run", epochs, "1")
    found["harken serve, one message"] = _served(source, folder)
    return found


def _write_recording(path: Path) -> None:
    time_ms = np.arange(0, 600_000, 40)
    still = np.arange(len(time_ms)) // 3_000 % 2 == 0
    x = np.where(still, 0.0, np.sin(time_ms / 80))
    rows = zip(time_ms + 1_600_000_000_000, x, np.where(still, "sitting", "walking"), strict=True)
    path.write_text(
        "Timestamp,X,Y,Z,Label\n" + "".join(f"{t},{9.8 * a:.4f},0.1,9.81,{label}\n" for t, a, label in rows)
    )


def _environment(source: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(source), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}


def _python(source: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=_environment(source), capture_output=True, text=True, check=True).stdout


def _profiled(source: Path, folder: Path, *arguments: str) -> int:
    out = folder / "modules.txt"
    code = f"OUT = {str(out)!r}\n{PROFILED}"
    subprocess.run(
        [sys.executable, "-c", code, *arguments], env=_environment(source), cwd=folder, check=True, capture_output=True
    )
    return len(out.read_text().split())


def _served(source: Path, folder: Path) -> int:
    from websockets.sync.client import connect

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = folder / "modules.txt"
    out.unlink(missing_ok=True)
    code = f"OUT = {str(out)!r}\n{PROFILED}"
    command = [sys.executable, "-c", code, "serve", "--no-open", "--port", str(port)]
    with subprocess.Popen(
        command, env=_environment(source), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
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
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)
    return len(out.read_text().split())


if __name__ == "__main__":
    main()

"""Compile the LSTM with the address and undefined-behaviour sanitizers into a program that runs it, and run that.

The program (``script/sanitize_lstm.cpp``) calls forward and backward on shapes around the edges of vectors, tiles and
chunks, on buffers that end where they should, so that a step beyond is seen. Usage: python script/sanitize.py
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP))

import hatch_build  # noqa: E402 - it lies in the checkout, not in the package

__all__: list[str] = []

SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def main() -> None:
    """Compile and run; the exit code is the program's."""
    if hatch_build.compiler() is None:
        sys.exit("script/sanitize needs a C++ compiler")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "sanitize_lstm")
        sources = [TOP / hatch_build.FOLDER / hatch_build.SOURCE, TOP / "script" / "sanitize_lstm.cpp"]
        hatch_build.compile_program(sources, program, flags=SANITIZERS)
        options = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
        sys.exit(subprocess.run([str(program)], env=os.environ | options, check=False).returncode)


if __name__ == "__main__":
    main()

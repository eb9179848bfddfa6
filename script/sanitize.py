"""Compile our own kernels with the address and undefined-behaviour sanitizers into a program, and run it.

The program (``script/sanitize_kernels.cpp``) calls all kernels on shapes around the edges of vectors, tiles and
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

SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def main() -> None:
    """Compile and run; the exit code is the program's."""
    if hatch_build.compiler() is None:
        sys.exit("script/sanitize needs a C++ compiler")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "sanitize_kernels")
        more = [TOP / "script" / "sanitize_kernels.cpp"]
        hatch_build.compile_program(TOP / hatch_build.FOLDER, program, flags=SANITIZERS, more=more)
        options = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
        sys.exit(subprocess.run([str(program)], env=os.environ | options, check=False).returncode)


if __name__ == "__main__":
    main()

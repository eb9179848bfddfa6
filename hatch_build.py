"""Compiles harken's own LSTM when harken is installed, where there is a C++ compiler; without one it installs as well.

In a checkout, ``python hatch_build.py`` compiles it in place. ``CXX`` names the compiler (by default ``c++``, ``g++``
or ``clang++``, whichever is found first); ``HARKEN_NATIVE_BUILD=require`` makes a failure an error, ``0`` builds
nothing.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script, where nothing of hatchling is needed
    BuildHookInterface = object  # type: ignore[assignment,misc,unused-ignore]

__all__ = ["LibraryHook", "compile_library"]

FOLDER = Path("src", "harken", "networks", "native")
SOURCE, LIBRARY = "lstm.cpp", "harken_lstm.so"
X86 = ("x86_64", "amd64", "i386", "i686")
FLAGS = ("-std=c++17", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi")
OPTIMISED = ("-O3",)
LEVELS = {
    1: ("-mavx2", "-mfma"),
    2: ("-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mavx2", "-mfma"),
}
"""The instruction sets beside the portable one, by their number in the source, each compiled by itself."""


def compiler() -> list[str] | None:
    """The C++ compiler's command, or None where there is none."""
    if named := os.environ.get("CXX"):
        return shlex.split(named)
    for name in ("c++", "g++", "clang++"):
        if found := shutil.which(name):
            return [found]
    return None


def compile_library(source: Path, library: Path, *, flags: Sequence[str] = OPTIMISED) -> None:
    """Compile ``source`` into the shared library ``library``, which appears whole or not at all.

    Raises:
        OSError: when there is no compiler, or the library cannot be written.
        subprocess.CalledProcessError: when it does not compile. The compiler has said why.
    """
    command = compiler()
    if command is None:
        raise OSError("there is no C++ compiler")
    common = [*FLAGS, *flags]
    levels: dict[int, tuple[str, ...]] = {0: ()}
    if platform.machine().lower() in X86:
        common.append("-DHARKEN_X86")
        levels |= LEVELS
    # A library for anybody's machine brings the C++ run-time with it; Apple's compiler knows no such option.
    alone = [] if sys.platform == "darwin" else ["-static-libstdc++", "-static-libgcc"]
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".building-") as folder:
        objects = [Path(folder, f"level{level}.o") for level in levels]
        running = []
        for (level, extra), made in zip(levels.items(), objects, strict=True):
            chosen = [*extra, f"-DHARKEN_LEVEL={level}"] if level else []
            running.append(subprocess.Popen([*command, *common, *chosen, "-c", str(source), "-o", str(made)]))
        for process in running:
            process.wait()
        for process in running:
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, process.args)
        linked = Path(folder, library.name)
        link = [*command, *common, "-shared", "-pthread", *alone, *map(str, objects), "-o", str(linked)]
        subprocess.run(link, check=True)
        linked.replace(library)


def build(top: Path) -> Path | None:
    """Compile the library in the checkout ``top``. None, with a word about it, where that is not possible.

    Raises:
        OSError, subprocess.CalledProcessError: with ``HARKEN_NATIVE_BUILD=require``.
    """
    wish = os.environ.get("HARKEN_NATIVE_BUILD", "")
    library = top / FOLDER / LIBRARY
    if wish == "0" or sys.platform == "win32":
        return None
    try:
        compile_library(top / FOLDER / SOURCE, library)
    except (OSError, subprocess.CalledProcessError) as error:
        if wish == "require":
            raise
        # One from before would not be that of this source.
        library.unlink(missing_ok=True)
        print(f"harken's own LSTM is not built ({error}); PyTorch's will be used", file=sys.stderr)
        return None
    return library


class LibraryHook(BuildHookInterface):  # type: ignore[misc,type-arg,unused-ignore]
    """What hatchling calls before it makes a wheel or an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; a wheel with the library in it says for which machines it is."""
        library = build(Path(self.root))
        if library is None or version == "editable":
            return
        build_data["force_include"][str(library)] = str(Path(*FOLDER.parts[1:], LIBRARY))
        build_data["pure_python"] = False
        # Any Python 3 can load it: it knows nothing of Python.
        tag = os.environ.get("HARKEN_WHEEL_PLATFORM") or sysconfig.get_platform()
        build_data["tag"] = f"py3-none-{tag.replace('-', '_').replace('.', '_')}"


if __name__ == "__main__":
    os.environ.setdefault("HARKEN_NATIVE_BUILD", "require")
    print(build(Path(__file__).parent))

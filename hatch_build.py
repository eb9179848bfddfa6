"""Compiles harken's kernels when harken is installed, where there is a C++ compiler; without one it installs as well.

In a checkout, ``python hatch_build.py`` compiles it in place. ``CXX`` names the compiler (by default ``c++``, ``g++``
or ``clang++``, whichever is found first); ``HARKEN_NATIVE_BUILD=require`` makes a failure an error, ``0`` builds
nothing.
"""

import os
import platform
import re
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

__all__ = ["LibraryHook", "build", "compile_library", "compile_program", "compiler", "platform_tag"]

FOLDER = Path("src", "harken", "networks", "native")
KERNELS = ("lstm.cpp", "convolution.cpp", "convolution_layer.cpp")
"""Each is compiled once for each instruction set."""
ONCE = ("threads.cpp",)
"""Compiled once, for any processor."""
LIBRARY = "harken_lstm.so"
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


def compile_library(folder: Path, library: Path) -> None:
    """Compile the sources in ``folder`` into the shared library ``library``, which appears whole or not at all.

    Raises:
        OSError: when there is no compiler, or the library cannot be written.
        subprocess.CalledProcessError: when it does not compile. The compiler has said why.
    """
    # A library for anybody's machine brings the C++ run-time with it; Apple's compiler knows no such option.
    alone = [] if sys.platform == "darwin" else ["-static-libstdc++", "-static-libgcc"]
    compile_program(folder, library, flags=OPTIMISED, link=("-shared", *alone))


def compile_program(
    folder: Path, program: Path, *, flags: Sequence[str], link: Sequence[str] = (), more: Sequence[Path] = ()
) -> None:
    """Compile and link the sources in ``folder`` and ``more`` sources. Raises as ``compile_library`` does."""
    command = compiler()
    if command is None:
        raise OSError("there is no C++ compiler")
    common = [*FLAGS, *flags]
    levels: dict[int, tuple[str, ...]] = {0: ()}
    if platform.machine().lower() in X86:
        common.append("-DHARKEN_X86")
        levels |= LEVELS
    jobs = [
        (folder / kernel, [*extra, *([f"-DHARKEN_LEVEL={level}"] if level else [])])
        for kernel in KERNELS
        for level, extra in levels.items()
    ]
    jobs += [(source, []) for source in (*(folder / name for name in ONCE), *more)]
    with tempfile.TemporaryDirectory(dir=program.parent, prefix=".building-") as temporary:
        objects = [str(Path(temporary, f"part{number}.o")) for number in range(len(jobs))]
        running = [
            subprocess.Popen([*command, *common, *extra, "-c", str(source), "-o", made])
            for (source, extra), made in zip(jobs, objects, strict=True)
        ]
        for process in running:
            process.wait()
        for process in running:
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, process.args)
        linked = Path(temporary, program.name)
        subprocess.run([*command, *common, "-pthread", *objects, *link, "-o", str(linked)], check=True)
        linked.replace(program)


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
        compile_library(top / FOLDER, library)
    except (OSError, subprocess.CalledProcessError) as error:
        if wish == "require":
            raise
        # One from before would not be that of this source.
        library.unlink(missing_ok=True)
        print(f"harken's own LSTM is not built ({error}); PyTorch's will be used", file=sys.stderr)
        return None
    return library


def platform_tag() -> str:
    """The machines that the compiled library runs on, as a wheel's name says it: ``manylinux_2_17_x86_64``.

    On Linux that is the oldest GNU C library that has every symbol the library asks for (PEP 600).
    """
    plain = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    library = Path(__file__).parent / FOLDER / LIBRARY
    if sys.platform != "linux" or not library.exists():
        return plain
    versions = re.findall(rb"GLIBC_2\.(\d+)", library.read_bytes())
    # PEP 600 begins with 2.5, and pip knows 2.17 on every machine it serves.
    return f"manylinux_2_{max([17, *map(int, versions)])}_{platform.machine()}"


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

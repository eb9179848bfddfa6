"""The conditions of a measurement: ``--instructions avx2`` and ``--neighbour`` of several benchmarks.

The instructions of harken and of the programs beside it are limited by environment variables. Each library reads its
variable when it is loaded, so the variables must be set before a process starts. ``python -m benchmarks.conditions
NAME`` prints what a program uses in this environment; only the standard library and that program are imported. Most
programs report what they use (``IN_USE``). JAX does not. On an EPYC with AVX-512, the machine code of a small function
(``--xla_dump_to``) has 203 instructions with mask registers or the upper 16 vector registers, and with the limit none.

A busy neighbour is a process that multiplies matrices on one core without pause until its standard input is closed. The
input is closed when the process that started it ends, in whatever way, so a neighbour never stays behind. At its end it
prints the seconds of processor time that it got, and those that passed.
"""

import argparse
import contextlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from benchmarks.command import ROOT

LIMITS: dict[str, dict[str, str]] = {
    "avx2": {
        "HARKEN_NATIVE": "avx2",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F,AVX512CD,AVX512_SKX,AVX512_CLX,AVX512_CNL,AVX512_ICL,AVX512_SPR,X86_V4",
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OV_CPU_MAX_ISA": "AVX2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    }
}
"""For each instruction set, the variables.

NumPy's variable has the names of its groups of features before and since 2.4; it ignores a name that it does not have.
oneDNN is in PyTorch, TensorFlow and OpenVINO, and MKL in PyTorch. OpenVINO reads ``OV_CPU_MAX_ISA`` for its own kernels
and needs the same limit for oneDNN; otherwise it cannot compile a network.
"""

WITHOUT_LIMIT = {
    "ONNX Runtime": "MLAS chooses by the processor, and no setting changes that",
    "TensorFlow": "only oneDNN and XLA inside it have a limit; its other kernels are compiled for AVX at most",
    "Polars": "some of its kernels choose by the processor, and no setting changes that",
}
"""Programs that may use better instructions in spite of the limit, and why."""
ROWS = 512
"""Of square matrices in float64: three times 2 MB, more than the first cache of a core."""
WORK = f"one process that multiplies matrices of {ROWS} rows in NumPy on one core"
LONGEST_END_S = 10.0


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """The two options."""
    parser.add_argument(
        "--instructions",
        choices=tuple(LIMITS),
        help="limit harken, and each program beside it that has such a limit, to these instructions",
    )
    parser.add_argument("--neighbour", action="store_true", help="measure beside a process that keeps one core busy")


@contextmanager
def conditions(
    arguments: argparse.Namespace, programs: Sequence[str], python: str = sys.executable
) -> Iterator[dict[str, Any]]:
    """Measure under the conditions of the options.

    Libraries read a limit of instructions when they are loaded, so this process starts again with it where necessary.

    Args:
        arguments: with ``instructions`` and ``neighbour``.
        programs: those of ``IN_USE`` that take part.
        python: the Python that has them.

    Yields:
        the record for JSON, complete at the end: ``limit``, and with a limit its ``environment``, ``in_use`` (what the
        programs report) and ``without_limit``; ``neighbour``, None or as ``busy_neighbour``.

    Raises:
        SystemExit: when a program that has a limit reports instructions beyond it.
    """
    record: dict[str, Any] = {"limit": arguments.instructions, "neighbour": None}
    if arguments.instructions is not None:
        environment = LIMITS[arguments.instructions]
        if not environment.items() <= os.environ.items():
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | environment)
        reported = in_use(programs, python)
        beyond = [name for name, said in reported.items() if "512" in said and name not in WITHOUT_LIMIT]
        if beyond:
            sys.exit(f"not limited to {arguments.instructions}: {', '.join(beyond)} ({reported})")
        record |= {"environment": environment, "in_use": reported, "without_limit": WITHOUT_LIMIT}
    with busy_neighbour() if arguments.neighbour else nullcontext() as neighbour:
        yield record
    record["neighbour"] = neighbour


def in_use(names: Iterable[str], python: str = sys.executable) -> dict[str, str]:
    """What each program uses in this environment, as it reports it. One that is not installed is left out."""
    found = {}
    for name in names:
        words = [python, "-m", "benchmarks.conditions", name]
        environment = os.environ | {"ONEDNN_VERBOSE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        ran = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if not ran.returncode:
            found[name] = ran.stdout.splitlines()[-1]
    return found


def _harken() -> str:
    from harken.networks.native.library import instructions, load

    return instructions() if load() else "no compiled library"


def _numpy() -> str:
    core: Any = importlib.import_module("numpy._core._multiarray_umath")  # what numpy.show_config reads
    return " ".join(name for name in core.__cpu_dispatch__ if core.__cpu_features__[name])


def _openblas() -> str:
    import numpy  # noqa: F401  (loads its OpenBLAS)
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    return " ".join(str(one["architecture"]) for one in threadpool_info() if one["internal_api"] == "openblas")


def _pytorch() -> str:
    import torch

    layer = torch.nn.Conv1d(16, 16, 3)
    with torch.inference_mode():
        one_dnn = _one_dnn(lambda: layer(torch.zeros(2, 16, 64)))
    return f"{torch.backends.cpu.get_cpu_capability()}, {one_dnn}"


def _tensorflow() -> str:
    import tensorflow as tf

    return _one_dnn(lambda: tf.nn.conv1d(tf.zeros((2, 64, 16)), tf.zeros((3, 16, 16)), 1, "SAME"))


def _openvino() -> str:
    import numpy as np
    import openvino
    from openvino import opset13 as operators

    signals = operators.parameter([2, 16, 64], name="signals")
    weights = operators.constant(np.ones((16, 16, 3), np.float32))
    layer = operators.convolution(signals, weights, [1], [0], [0], [1])
    model = openvino.Model([operators.exp(layer)], [signals])
    network = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    nodes = network.get_runtime_model().get_ops()
    return " ".join(sorted({str(node.get_rt_info()["primitiveType"].value) for node in nodes} - {"unknown_f32"}))


def _one_dnn(call: Callable[[], Any]) -> str:
    """What oneDNN says about its instructions while it does something for the first time (``ONEDNN_VERBOSE``)."""
    with tempfile.TemporaryFile() as written, contextlib.redirect_stdout(io.StringIO()):
        before = os.dup(1)
        os.dup2(written.fileno(), 1)
        try:
            call()
        finally:
            os.dup2(before, 1)
            os.close(before)
        written.seek(0)
        lines = written.read().decode().splitlines()
    return next((f"oneDNN {line.split('isa:')[1]}" for line in lines if "isa:" in line), "oneDNN not used")


IN_USE: dict[str, Callable[[], str]] = {
    "harken": _harken,
    "NumPy": _numpy,
    "OpenBLAS": _openblas,
    "PyTorch": _pytorch,
    "TensorFlow": _tensorflow,
    "OpenVINO": _openvino,
}


@contextmanager
def busy_neighbour() -> Iterator[dict[str, Any]]:
    """Run a neighbour meanwhile.

    Yields:
        a record for JSON, empty until the end: ``work``, and ``cores``, the share of a core that it got on average.
    """
    record: dict[str, Any] = {}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.conditions", "neighbour"],
        cwd=ROOT,
        env=os.environ | threads,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "busy\n":
            raise RuntimeError("the busy neighbour did not start")
        yield record
        said, _ = process.communicate(timeout=LONGEST_END_S)  # closes its input
        cpu_s, wall_s = map(float, said.split())
        record |= {"work": WORK, "cores": cpu_s / wall_s}
    finally:
        process.kill()
        with process:  # closes its pipes and waits
            pass


def be_neighbour() -> None:
    """Multiply matrices until the standard input is closed."""
    import numpy as np

    left, right = np.random.default_rng(0).normal(size=(2, ROWS, ROWS))
    product = np.empty_like(left)
    ending = threading.Thread(target=sys.stdin.read)  # returns when the input is closed
    ending.start()
    print("busy", flush=True)
    began_s, used_s = time.perf_counter(), time.process_time()
    while ending.is_alive():
        np.matmul(left, right, out=product)
    print(time.process_time() - used_s, time.perf_counter() - began_s)


if __name__ == "__main__":
    if sys.argv[1] == "neighbour":
        be_neighbour()
    else:
        print(IN_USE[sys.argv[1]]())

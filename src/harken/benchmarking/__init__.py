"""A published protocol, fold by fold, beside baselines: resumable, in processes or on a cluster, and repeatable."""

from harken.benchmarking.against import Agreement, compare, read_result
from harken.benchmarking.benchmark import run_benchmark
from harken.benchmarking.settings import BenchmarkSettings
from harken.benchmarking.watching import Finished, Watcher

__all__ = ["Agreement", "BenchmarkSettings", "Finished", "Watcher", "compare", "read_result", "run_benchmark"]

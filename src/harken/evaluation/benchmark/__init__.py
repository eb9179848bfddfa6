"""A published protocol, fold by fold, beside baselines: resumable, in processes or on a cluster, and repeatable."""

from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.progress import Finished, Watcher
from harken.evaluation.benchmark.result import Agreement, compare, read_result
from harken.evaluation.benchmark.settings import BenchmarkSettings

__all__ = ["Agreement", "BenchmarkSettings", "Finished", "Watcher", "compare", "read_result", "run_benchmark"]

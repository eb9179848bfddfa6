"""A published protocol, fold by fold, beside baselines: resumable, in processes or on a cluster, and repeatable."""

from harken.evaluation.benchmark.benchmark import BenchmarkSettings, run_benchmark
from harken.evaluation.benchmark.result import Agreement, compare, read_result
from harken.evaluation.benchmark.tasks import BenchmarkDisplay, Finished

__all__ = ["Agreement", "BenchmarkDisplay", "BenchmarkSettings", "Finished", "compare", "read_result", "run_benchmark"]

"""Benchmarks: a preset and baselines on a published protocol, fold by fold; resumable, parallel and repeatable."""

from harken.evaluation.benchmark.benchmark import BenchmarkSettings, run_benchmark
from harken.evaluation.benchmark.result import Agreement, compare, read_result
from harken.evaluation.benchmark.tasks import BenchmarkDisplay, Finished

__all__ = ["Agreement", "BenchmarkDisplay", "BenchmarkSettings", "Finished", "compare", "read_result", "run_benchmark"]

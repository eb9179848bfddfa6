"""Benchmarks: a preset and baselines on a published protocol, fold by fold; resumable, parallel and repeatable."""

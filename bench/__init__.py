"""Benchmarks: ``python -m bench [GROUP ...]``."""

"""Measure what the course costs: `python3 start.py bench`, or `python -m benchmarks` there."""

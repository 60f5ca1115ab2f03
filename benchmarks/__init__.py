"""Speed, measured beside others on the same cores in the same run. `python -m benchmarks` lists scenarios."""

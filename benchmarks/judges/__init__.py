"""How soon a judge of rollouts sees harm, and how often it sees some where there is none.

Streams of evidence are drawn from seeded generators, in the form in which replicas report it; every judge
looks at the same streams after every batch. `python -m benchmarks.judges` measures the curves of
docs/architecture/09-statistics.md.
"""

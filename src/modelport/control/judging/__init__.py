"""What evidence says: one finding for each criterion that is asked, and one for each guard.

level.py        how the error level is shared
sight.py        what findings are made of
criteria.py     error_rate, accuracy_threshold, latency_p95
degradation.py  performance_degradation
guards.py       errors, latency, accuracy against the baseline; broken outputs; the split
"""

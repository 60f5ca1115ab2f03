"""`modelport tune`: the settings of most throughput within a latency, found by measuring a real server."""

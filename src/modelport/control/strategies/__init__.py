"""How a candidate gets its traffic: one strategy a file, each a pure function of what is seen."""

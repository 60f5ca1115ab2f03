"""spaCy pipelines: not compiled, but packed as data with a little code that runs them in a model host."""

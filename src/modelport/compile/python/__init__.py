"""Packing models that are Python: nothing is compiled, and what is packed is proven to stand by itself."""

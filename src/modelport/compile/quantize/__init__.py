"""Fewer bits for weights and activations: int8 and fp16 graphs, and whether what they lose is allowed."""

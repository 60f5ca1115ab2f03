"""Transformers on text: encoders with their heads, traced into one graph beside their tokenizer."""

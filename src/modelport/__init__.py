"""Modelport takes a trained model into production and keeps it there."""

__version__ = "0.1.0"

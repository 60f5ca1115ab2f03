"""`modelport quickstart`: from nothing to live predictions on real data."""

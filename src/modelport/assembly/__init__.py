"""Composition roots: which parts a control plane has, and a control plane with a replica beside it."""

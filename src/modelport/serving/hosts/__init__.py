"""Model hosts: processes of their own for models that are code, or that live on an accelerator.

The supervisor owns them (`house`, `seat`); all workers of a replica share them (`dispatcher`, `doors`), and
their batches form there (`host`, `guest`).
"""

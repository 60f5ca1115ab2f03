"""Model hosts: processes of their own for models that are code, or that live on an accelerator.

The supervisor owns them (`house`, `seats`, `seat`), as many as `follower` decides; all workers of a replica
share them (`dispatcher`, `doors`), and their batches form there (`host`, `guest`).
"""

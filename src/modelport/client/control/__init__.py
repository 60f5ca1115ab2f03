"""Drive a control plane from Python: `Control` blocks, `AsyncControl` awaits.

`aio/` is written by hand; `sync/` is made of it (`python tests/client/control_twins.py`).
"""

from modelport.client.control.aio.control import AsyncControl
from modelport.client.control.events import Event
from modelport.client.control.sync.control import Control

__all__ = ["AsyncControl", "Control", "Event"]

"""What `modelport tune` wrote into a bundle, for the slot that serves it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from modelport.core.manifest import Parameters
from modelport.core.plan import SlotSpec
from modelport.core.tuning import ATTACHMENT, Tuning, fits
from modelport.errors import BundleCorrupt


def tuned(slot: SlotSpec, cores: int | None) -> SlotSpec:
    """The slot with the size of batches and the number of instances that its bundle advises.

    The slot itself where the bundle advises nothing, or was measured on a machine with other than `cores`
    cores; None takes no advice. Raises `BundleError` as `advice` does.
    """
    found = None if cores is None else advice(slot.bundle)
    if found is None or cores is None or not fits(found[1], cores):
        return slot
    parameters, tuning = found
    parameters = msgspec.structs.replace(parameters, batch_size=tuning.batch_size)
    return msgspec.structs.replace(slot, parameters=parameters, instances=tuning.instances)


def advice(path: str) -> tuple[Parameters, Tuning] | None:
    """A bundle's own parameters, and what was written into it; None when nothing was.

    Raises `BundleError` for a bundle that does not open or whose advice is not well formed.
    """
    from modelport.bundle.reader import open_bundle

    with open_bundle(path) as bundle:
        if ATTACHMENT not in bundle.attachments():
            return None
        try:
            found = msgspec.json.decode(bundle.attachment(ATTACHMENT), type=Tuning)
        except msgspec.DecodeError as error:
            msg = f"the tuning of {Path(path).name!r} is not well formed"
            raise BundleCorrupt(msg, hint="tune it again, or serve it with --no-tuning") from error
        return bundle.manifest.parameters, found

"""What `modelport tune` wrote into a bundle, for the slot that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from modelport.core.manifest import Parameters
from modelport.core.plan import SlotSpec
from modelport.core.ready import ready
from modelport.core.tuning import ATTACHMENT, Tuning, fits
from modelport.errors import BundleCorrupt

if TYPE_CHECKING:
    from modelport.bundle.reader import Bundle

Advice = tuple[Parameters, Tuning]
"""A bundle's own parameters, and how it is best served."""


def tuned(slot: SlotSpec, found: Advice | None, cores: int | None) -> SlotSpec:
    """The slot with the size of batches and the number of instances that its bundle advises.

    Instances that scale by themselves are left to that. The slot itself where the bundle advises nothing, or
    was measured on a machine with other than `cores` cores; None takes no advice.
    """
    if found is None or cores is None or not fits(found[1], cores):
        return slot
    parameters, tuning = found
    parameters = msgspec.structs.replace(parameters, batch_size=tuning.batch_size)
    instances = tuning.instances if slot.scaling is None else slot.instances
    return msgspec.structs.replace(slot, parameters=parameters, instances=instances)


def advice(bundle: Bundle) -> Advice | None:
    """What was written into a bundle; None when nothing was. Raises `BundleCorrupt` for nonsense."""
    if ATTACHMENT not in bundle.attachments():
        return None
    try:
        found = msgspec.json.decode(bundle.attachment(ATTACHMENT), type=ready(Tuning))
    except msgspec.DecodeError as error:
        msg = f"the tuning of {bundle.about.name} is not well formed"
        raise BundleCorrupt(msg, hint="tune it again, or serve it with --no-tuning") from error
    return bundle.manifest.parameters, found

"""A bundle that is there already, in another precision: nothing of its source is needed but rows."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from modelport.bundle.reader import GOLDEN, Bundle
from modelport.bundle.trust import audit
from modelport.bundle.writer import sealed
from modelport.compile.compare import compare_rows
from modelport.compile.compiled import Compiled
from modelport.compile.golden import golden
from modelport.compile.packed import as_json
from modelport.compile.parity import Trial, loaded, manifest_of
from modelport.compile.pieces import answers
from modelport.compile.prove import made_in, precision_evidence
from modelport.compile.quantize.choose import choose
from modelport.compile.quantize.report import Report
from modelport.compile.quantize.wish import Wish
from modelport.compile.sample import Sample
from modelport.compile.taken import as_taken
from modelport.core.manifest import About, Manifest, identity
from modelport.errors import Unsupported
from modelport.runtimes.batch import Batch
from modelport.runtimes.dtypes import conform

_EXACT = 1e-3


@dataclass(frozen=True, slots=True)
class Requantized:
    """A bundle's content in the precision chosen, ready to be written."""

    manifest: Manifest
    about: About
    files: dict[str, bytes]
    attachments: dict[str, bytes]
    report: Report

    @property
    def identity(self) -> str:
        """The identity the bundle will have, in hex."""
        return identity(self.manifest)


def quantize_bundle(bundle: Bundle, sample: Sample, wish: Wish) -> Requantized:
    """The model of an fp32 bundle in the precision that `wish` asks for, judged on the rows of `sample`.

    Evidence about the model (parity, profile) is kept; golden rows are made anew, and so is the evidence of
    precision. The original's speed is not known here, so `speed.json` is left out when the precision changes.
    Raises what `choose.choose` raises, and `Unsupported` (`already-quantized`) for a bundle that is not fp32.
    """
    if bundle.about.source.get("precision", "fp32") != "fp32":
        msg = f"the bundle is {bundle.about.source['precision']} already"
        raise Unsupported(msg, code="already-quantized", hint="quantise the fp32 bundle it was made from")
    audit(bundle)
    compiled = _compiled(bundle)
    choice = choose(compiled, _trial(compiled, as_taken(sample, compiled)), wish)
    assert choice.report is not None
    files = dict(choice.compiled.files)
    manifest = manifest_of(choice.compiled, bundle.manifest.parameters)
    about = msgspec.structs.replace(bundle.about, source={**bundle.about.source, **made_in(choice)})
    changed = choice.report.chosen != "fp32"
    attachments = {name: bundle.attachment(name) for name in bundle.attachments()} | precision_evidence(
        choice
    )
    if changed:
        attachments.pop("speed.json", None)
        attachments[GOLDEN] = as_json(golden(choice.compiled, choice.trial))
    return Requantized(sealed(manifest, files), about, files, attachments, choice.report)


def _compiled(bundle: Bundle) -> Compiled:
    manifest = bundle.manifest
    files = {entry.path: bundle.read(entry.path) for entry in manifest.files}
    return Compiled(
        manifest.runtime, manifest.task, manifest.signature, manifest.labels, files, manifest.steps
    )


def _trial(compiled: Compiled, sample: Sample) -> Trial:
    """The rows of the sample with the bundle's own answers: it is the original here."""
    predictor = loaded(compiled)
    taken = conform(sample.batch, compiled.signature.inputs)
    given = answers(predictor, taken)
    parity, agreed = compare_rows(given, Batch(taken.rows, given), sample.batch, _EXACT)
    return Trial(predictor, sample.batch, taken, given, agreed, parity)

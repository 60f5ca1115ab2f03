"""The compiler of PyTorch: what is exported is proven against the module itself, run eagerly."""

from __future__ import annotations

from typing import Any

from modelport.compile.compiled import Adopted, Candidate, Compiled
from modelport.compile.compilers import Wanted
from modelport.compile.sample import Sample
from modelport.compile.torch import checks
from modelport.compile.torch.doors import Doors, doors
from modelport.compile.torch.eager import Eager
from modelport.compile.torch.export import graph_of
from modelport.compile.torch.modules import Callee, callee
from modelport.compile.torch.outputs import Answers, answers_of
from modelport.core.signature import Signature
from modelport.runtimes.onnx import GRAPH


class TorchCompiler:
    """Takes `torch.nn.Module`, `torch.export.ExportedProgram` and `torch.jit.ScriptModule`."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says.

        The module is copied and put into evaluation mode; the caller's stays as it was. Raises `Unsupported`
        for a module that answers otherwise when it is asked again, or when other rows share its batch.
        """
        called = callee(model)
        entry = doors(called, data)
        answers = answers_of(called, entry, wanted)
        eager = Eager(called, entry, answers)
        checks.check(eager, entry)
        compiled = Candidate("torch.export", lambda: _compiled(eager))
        return Adopted(answers.task, answers.labels, (compiled,), eager, _source(called)), entry.sample


def _compiled(eager: Eager) -> Compiled:
    entry, answers = eager.doors, eager.answers
    exported = graph_of(eager)
    checks.check_other_sizes(eager, exported)
    return Compiled(
        runtime="onnx",
        task=answers.task,
        signature=Signature(entry.sample.item, entry.fields, exported.outputs),
        labels=answers.labels,
        files={GRAPH: exported.graph},
        notes=_notes(entry, answers, exported.notes),
    )


def _notes(entry: Doors, answers: Answers, more: tuple[str, ...]) -> tuple[str, ...]:
    sizes = (f"proven on {len(entry.sample.more)} other sizes of its input",) if entry.sample.more else ()
    return (*answers.notes, *sizes, *more)


def _source(called: Callee) -> dict[str, str]:
    import torch

    return {"framework": "torch", "model": called.name, "torch": str(torch.__version__)}

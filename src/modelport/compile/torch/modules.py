"""What a module is called with: the names of its inputs, a copy that is ours, and in what it computes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelport.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Callee:
    """A module ready to be called.

    Attributes:
        module: our copy, on the CPU, in evaluation mode.
        name: its class, for people.
        inputs: names of its inputs in order; the first `required` of them must be given.
        required: how many inputs have no default.
        anything: it takes any number of inputs by place (`*args`), so the sample's names stand for them.
        floats: torch dtype of its floating weights.
        scripted: it is TorchScript.
    """

    module: Any
    name: str
    inputs: tuple[str, ...]
    required: int
    anything: bool
    floats: Any
    scripted: bool = False

    def call(self, names: Sequence[str], tensors: Sequence[Any]) -> Any:
        """The module's answer to `tensors`, which are its inputs `names`."""
        if self.anything or tuple(names) == self.inputs[: len(names)]:
            return self.module(*tensors)
        return self.module(**dict(zip(names, tensors, strict=True)))


def callee(model: Any) -> Callee:
    """The module that `model` is, or holds. Raises `Unsupported` for what cannot be called with tensors."""
    import torch

    if isinstance(model, torch.export.ExportedProgram):
        return _of_program(model)
    if isinstance(model, torch.jit.ScriptModule):
        return _of_script(model)
    if isinstance(model, torch.nn.Module):
        return _of_module(model)
    msg = f"a {type(model).__name__} is no module"
    raise Unsupported(msg, hint="give a torch.nn.Module, an ExportedProgram or a ScriptModule")


def _of_module(model: Any) -> Callee:
    module = _copied(model).cpu().eval()
    kinds = inspect.Parameter
    parameters = list(inspect.signature(module.forward).parameters.values())
    plain = [each for each in parameters if each.kind in {kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD}]
    required = [each for each in plain if each.default is kinds.empty]
    anything = not plain and any(each.kind is kinds.VAR_POSITIONAL for each in parameters)
    names = tuple(each.name for each in plain)
    return Callee(module, type(model).__name__, names, len(required), anything, _floats(module))


def _copied(model: Any) -> Any:
    try:
        return copy.deepcopy(model)
    except Exception as error:
        msg = f"the {type(model).__name__} cannot be copied ({type(error).__name__})"
        raise Unsupported(msg, hint="keep only parameters, buffers and plain values on the module") from error


def _of_script(model: Any) -> Callee:
    module = model.cpu().eval()
    arguments = module.forward.schema.arguments[1:]
    required = [each for each in arguments if not each.has_default_value()]
    names = tuple(each.name for each in arguments)
    name = getattr(module, "original_name", "") or "ScriptModule"
    return Callee(module, name, names, len(required), anything=False, floats=_floats(module), scripted=True)


def _of_program(program: Any) -> Callee:
    names = tuple(map(str, program.graph_signature.user_inputs))
    spec = program.call_spec.in_spec
    if spec.num_leaves != len(names) or not _flat(spec):
        msg = "the exported program takes lists or dicts of tensors"
        raise Unsupported(msg, hint="export a module whose forward takes tensors one by one")
    return Callee(program.module(), "ExportedProgram", names, len(names), False, _floats(program.module()))


def _flat(spec: Any) -> bool:
    """Whether the arguments are tensors, given one by one."""
    positional, named = spec.children()
    return all(child.is_leaf() for child in (*positional.children(), *named.children()))


def _floats(module: Any) -> Any:
    import torch

    weights = (*module.parameters(), *module.buffers())
    found = next((each.dtype for each in weights if each.is_floating_point()), torch.float32)
    if found not in {torch.float16, torch.float32, torch.float64}:
        msg = f"the module computes in {str(found).removeprefix('torch.')}"
        raise Unsupported(msg, code="unsupported-dtype", hint="call module.float() before packing")
    return found

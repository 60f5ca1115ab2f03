"""What a bundle says of its Python: where the model is, and what has to be installed. Plain data, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from modelport.core.manifest import Step
from modelport.core.ready import ready
from modelport.errors import BundleCorrupt

KIND = "python"
FOLDER = "model/code/"
"""Where the model's own files lie in a bundle, as they lay beside its module."""

_ENTRY = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", re.ASCII)
_VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]{0,98}", re.ASCII)


class PythonModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of the one step of kind `python` in a manifest.

    Attributes:
        entry: `module:name` of a class, a function, or an object with `predict`.
        requirements: distributions that must be installed, with the version the model was packed with.
        pure: the same input always gets the same answer, so that answers may be remembered.
    """

    entry: str
    requirements: dict[str, str] = {}
    pure: bool = False

    @property
    def module(self) -> str:
        """The module that is imported."""
        return self.entry.partition(":")[0]

    @property
    def name(self) -> str:
        """What is taken from it."""
        return self.entry.partition(":")[2]


def is_entry(text: str) -> bool:
    """Whether it names something in a module, and nothing else."""
    return _ENTRY.fullmatch(text) is not None


def is_requirement(name: str, version: str) -> bool:
    """Whether these are a distribution's name and version, and nothing that a shell reads otherwise."""
    return _NAME.fullmatch(name) is not None and _VERSION.fullmatch(version) is not None


def step_of(model: PythonModel) -> Step:
    """The step of a manifest that says this."""
    return Step(KIND, msgspec.to_builtins(model))


def model_of(steps: tuple[Step, ...]) -> PythonModel:
    """What the steps of a manifest say. Raises `BundleCorrupt` unless it is one, and well formed."""
    options = [step.options for step in steps if step.kind == KIND]
    if len(options) != 1:
        msg = "the bundle does not say which Python it is"
        raise BundleCorrupt(msg)
    return _checked(options[0])


def _checked(options: Mapping[str, object]) -> PythonModel:
    try:
        model = msgspec.convert(options, ready(PythonModel))
    except msgspec.ValidationError as error:
        msg = f"what the bundle says of its Python is not well formed: {error}"
        raise BundleCorrupt(msg) from error
    if not is_entry(model.entry) or not all(is_requirement(*item) for item in model.requirements.items()):
        msg = "the bundle names an entry or a requirement that is none"
        raise BundleCorrupt(msg, hint="an entry is module:name, a requirement a name and a version")
    return model

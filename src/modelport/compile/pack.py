"""From whatever a caller has to a packed model: a live model, code, or a path."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from modelport.compile import written
from modelport.compile.adopt import adopt
from modelport.compile.arguments import check_names, parameters_of
from modelport.compile.packed import Packed
from modelport.compile.prove import pack_adopted
from modelport.compile.python.hosted import is_code, is_module
from modelport.compile.quantize.wish import wish
from modelport.core.manifest import Label, Parameters
from modelport.core.signature import Task
from modelport.errors import Unsupported
from modelport.runtimes.image.spec import ImageInput


def pack(
    model: Any,
    *,
    name: str,
    sample: Any = None,
    labels: Sequence[Label] | None = None,
    version: str | None = None,
    parameters: Parameters | Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    vectorizer: Any = None,
    head: str | Path | None = None,
    task: Task | None = None,
    image: ImageInput | None = None,
    quantize: str | None = None,
    truth: Any = None,
    allow_loss: float | None = None,
    signature: str | None = None,
    hosted: bool = False,
    trust_pickle: bool = False,
    allow_weak_sandbox: bool = False,
    now: datetime | None = None,
) -> Packed:
    """Compiles `model` and proves on `sample` and on generated edge rows that it answers as before.

    `model`, `vectorizer`, `task`, `image` and `signature` are as in `compile.adopt.adopt`; `sample` is
    whatever `Sample.of_any` takes, with `image` a folder of pictures; `labels` name the classes in the order
    of their indices; `version` is a semantic label. The fastest way to compile that holds is taken.

    `quantize` is `int8`, `fp16` or `auto`: the fastest precision on this machine that loses at most
    `allow_loss` points (0.5 unless given) against fp32 on the sample, whose right answers are `truth`.
    A named precision is taken as it is unless `allow_loss` limits it.

    A path is a model file or folder, packed as `pack_file` says: loaded in a sandbox only
    (`allow_weak_sandbox` where the system offers no strong one), a pickle only with `trust_pickle`.
    `sample` may then be a path too, or be left out where an MLflow folder brings an example; `vectorizer` is
    a path, and `head` the file of an estimator fitted on the embeddings of an encoder folder.

    A class or a function is code of yours: it is not compiled, and packed as `pack_python` says; so is a
    spaCy pipeline, for its entities or its categories, and with `hosted` a torch module.

    Raises `Unsupported` when no compiler takes the model, `ParityError` when it compiles but answers
    otherwise, `NameInvalid` or `SettingsError` for a name, label or parameter that makes no sense,
    `SourceRefused` and `SandboxError` for a path.
    """
    about: dict[str, Any] = {
        "name": name,
        "version": version,
        "parameters": parameters,
        "tags": tags,
        "now": now,
    }
    if isinstance(model, str | Path):
        return _of_path(
            Path(model),
            sample,
            vectorizer=_path(vectorizer),
            head=_path(head),
            labels=labels,
            task=task,
            image=image,
            signature=signature,
            quantize=quantize,
            truth=truth,
            allow_loss=allow_loss,
            trust_pickle=trust_pickle,
            allow_weak_sandbox=allow_weak_sandbox,
            **about,
        )
    if head is not None:
        msg = "a head belongs to the path of an encoder folder"
        raise Unsupported(msg, hint="pack a pipeline of TextEncoder(folder) and the estimator")
    if sample is None:
        msg = "the model needs rows to be proven on"
        raise Unsupported(msg, code="no-sample", hint="give sample=, rows as callers will send them")
    if hosted and not (is_code(model) or is_module(model)):
        msg = f"a {type(model).__name__} is compiled, not hosted"
        raise Unsupported(
            msg, hint="leave out hosted; classes, functions, pipelines and torch modules are hosted"
        )
    if hosted or is_code(model):
        from modelport.compile.python.pack import pack_python

        _refuse_compiling(vectorizer, image, quantize)
        return pack_python(model, sample=sample, labels=labels, task=task, **about)
    check_names(name, version)
    parameters_of(parameters)
    precision = wish(quantize, truth, allow_loss)
    adopted, rows = adopt(
        model, sample, labels, vectorizer=vectorizer, task=task, image=image, signature=signature
    )
    return pack_adopted(adopted, rows, precision=precision, **about)


def _of_path(path: Path, sample: Any, *, image: ImageInput | None, **choices: Any) -> Packed:
    """The model in a file or folder, with the rows in a file of their own."""
    from modelport.compile.pack_file import pack_file

    with tempfile.TemporaryDirectory(prefix="modelport-") as scratch:
        if sample is not None and not isinstance(sample, str | Path):
            sample = written.write(sample, Path(scratch), images=image is not None)
        rows = None if sample is None else Path(sample)
        return pack_file(path, sample_path=rows, image=image, **choices)


def _path(given: Any) -> Path | None:
    """The path of what goes with a model in a file."""
    if given is None or isinstance(given, str | Path):
        return None if given is None else Path(given)
    msg = f"with a model in a file, the {type(given).__name__} beside it must be in a file too"
    raise Unsupported(msg, hint="give its path, or load the model yourself")


def _refuse_compiling(*choices: Any) -> None:
    if any(choice is not None for choice in choices):
        msg = "code is not compiled: vectorizer, image and quantize say nothing to it"
        raise Unsupported(msg, hint="leave them out")

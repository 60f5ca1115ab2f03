"""`modelport pack`: a trained model into a verified, portable bundle."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from modelport.cli import options
from modelport.core.signature import Task
from modelport.errors import SourceRefused, Unsupported

if TYPE_CHECKING:
    from modelport.compile.packed import Packed
    from modelport.runtimes.image.spec import ImageInput

QUANTIZE = "Fewer bits: int8, fp16, or auto, the fastest here that loses at most --allow-loss."
LABELS_COLUMN = "Column of the sample with the right answers, to judge what --quantize loses."
IMAGE = "JSON file that says how pictures become the model's tensor; --sample is then a folder of them."
ALLOW_LOSS = "Most points of accuracy that may be lost. auto: 0.5; a named precision: no limit."


@click.command("pack")
@click.argument(
    "file", type=options.path, help="The model: a file or folder of a form that is read, or module:name."
)
@click.option("--name", required=True, help="The model's name.")
@click.option(
    "--sample",
    type=options.path,
    help="Rows as callers will send them (.csv): parity is proven on them. MLflow folders may bring some.",
)
@click.option("--vectorizer", type=options.path, help="A vectorizer that is in a file of its own.")
@click.option("--head", type=options.path, help="An estimator fitted on the embeddings of an encoder folder.")
@click.option("--labels", help="Names of the classes, in order, as stays,leaves.")
@click.option(
    "--task", type=click.Choice(get_args(Task)), help="What the outputs mean, where a model does not say."
)
@click.option("--signature", help="Which function of a SavedModel that has several.")
@click.option("--image", type=options.path, help=IMAGE)
@click.option("--version", help="A label for people, as 2.1.0.")
@click.option("--trust-pickle", is_flag=True, help="Load a pickle, in the sandbox: it can run any code.")
@click.option("--allow-weak-sandbox", is_flag=True, help="Go on where the system offers no strong sandbox.")
@click.option("--quantize", type=click.Choice(["int8", "fp16", "auto"]), help=QUANTIZE)
@click.option("--labels-column", help=LABELS_COLUMN)
@click.option("--allow-loss", type=options.Number(0, 100, min_open=True), help=ALLOW_LOSS)
@click.option("--allow-python", is_flag=True, help="Pack code as it is: module:name, a class or a function.")
@click.option(
    "--file",
    "files",
    type=options.path,
    multiple=True,
    help="File or folder that the code reads; repeatable.",
)
@click.option("--requires", multiple=True, help="Distribution that the code needs unnamed; repeatable.")
@click.option("--pure", is_flag=True, help="The code always answers the same to the same.")
@click.option(
    "--source/--no-source",
    default=True,
    help="Keep model and sample beside the bundle, as NAME.source.zip, to compile it again.",
)
@click.option(
    "--output", type=options.path, help="Where to write: a directory, or a .zip. Default: NAME.bundle."
)
@options.as_json
def command(
    *,
    file: Path,
    name: str,
    sample: Path | None,
    vectorizer: Path | None,
    head: Path | None,
    labels: str | None,
    task: Task | None,
    signature: str | None,
    image: Path | None,
    version: str | None,
    trust_pickle: bool,
    allow_weak_sandbox: bool,
    quantize: str | None,
    labels_column: str | None,
    allow_loss: float | None,
    allow_python: bool,
    source: bool,
    output: Path | None,
    as_json: bool,
    **code: Any,
) -> None:
    """Compile a model, prove that it answers as the original does, and write a bundle."""
    from modelport.compile.pack_file import pack_file

    target = output or Path(f"{name}.bundle")
    if _is_code(file):
        with working(f"packing {file}"):
            _pack_code(
                str(file),
                sample,
                allowed=allow_python,
                name=name,
                labels=_labels(labels),
                task=task,
                version=version,
                **code,
            ).save(target).close()
        report(target, as_json=as_json)
        return
    choices: dict[str, Any] = {
        "name": name,
        "labels": _labels(labels),
        "version": version,
        "task": task,
        "signature": signature,
        "image": None if image is None else _image(image),
        "quantize": quantize,
        "labels_column": labels_column,
        "allow_loss": allow_loss,
    }
    with working(f"packing {file.name}"):
        packed = pack_file(
            file,
            sample_path=sample,
            vectorizer=vectorizer,
            head=head,
            trust_pickle=trust_pickle,
            allow_weak_sandbox=allow_weak_sandbox,
            **choices,
        )
        files = {"model": file, "sample": sample, "vectorizer": vectorizer, "head": head}
        _save(packed, target, files if source else {}, choices)
    report(target, as_json=as_json)


def _is_code(file: Path) -> bool:
    """Whether it is `module:name` rather than a file."""
    from modelport.runtimes.python.spec import is_entry

    return is_entry(str(file)) and not file.exists()


def _pack_code(entry: str, sample: Path | None, *, allowed: bool, **choices: Any) -> Packed:
    """Nothing of the code is imported unless that was allowed, and then in a process of its own."""
    from modelport.compile.python.pack import pack_python
    from modelport.compile.sample import Sample

    if not allowed:
        msg = f"{entry} is code, which is run to be packed, and to be served"
        raise SourceRefused(msg, code="python-untrusted", hint="if you trust it, use --allow-python")
    if sample is None:
        msg = "code needs rows to be tried on"
        raise Unsupported(msg, code="no-sample", hint="give --sample rows.csv")
    return pack_python(entry, sample=Sample.read(sample), **choices)


def _save(packed: Packed, target: Path, made_from: dict[str, Path | None], choices: dict[str, Any]) -> None:
    """The bundle, and beside it what it was made from."""
    from modelport.compile import again, sources

    if not made_from:
        packed.save(target).close()
        return
    known, files = sources.chosen(made_from, **choices)
    again.save(packed, target, known, files)


def _image(path: Path) -> ImageInput:
    """The preprocessing in a JSON file."""
    import msgspec

    from modelport.errors import SettingsError
    from modelport.runtimes.image.spec import ImageInput

    try:
        return msgspec.json.decode(path.read_bytes(), type=ImageInput)
    except (OSError, msgspec.DecodeError) as error:
        msg = f"cannot read the image input {path.name!r}: {getattr(error, 'strerror', None) or error}"
        raise SettingsError(msg, hint='it is JSON, at least {"size": 224}') from error


def _labels(text: str | None) -> list[str] | None:
    return [label.strip() for label in text.split(",")] if text else None


def working(what: str) -> AbstractContextManager[object]:
    """A spinner where somebody watches."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(what)


def report(target: Path, *, as_json: bool) -> None:
    """What was written, read back from where it was written."""
    from modelport.bundle.reader import open_bundle
    from modelport.cli import evidence
    from modelport.cli.inspect import describe_parity, describe_precision, describe_speed
    from modelport.cli.output import print_json

    with open_bundle(target) as bundle:
        found = evidence.gather(bundle)
    if as_json:
        print_json({"path": str(target), **found})
        return
    click.echo(f"{target}  {found['runtime']}, {found['size']:,} bytes, identity {found['identity'][:12]}…")
    click.echo(f"parity  {describe_parity(found['parity'])}")
    for line in describe_speed(found["speed"]).splitlines():
        click.echo(f"speed   {line}")
    for line in describe_precision(found["precision"]).splitlines():
        click.echo(f"bits    {line}")
    click.echo(f"next    modelport serve {target}{' --allow-python' if found['executable'] else ''}")

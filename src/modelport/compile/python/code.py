"""Which files belong to a Python model: its module, what that imports from beside itself, what was named."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from modelport.bundle import magic
from modelport.bundle.format import safe
from modelport.errors import SettingsError, SourceRefused, Unsupported
from modelport.runtimes.python.spec import FOLDER, PythonModel, is_entry, is_requirement

_PICKLES = frozenset({"pickle", "npy-object", "torch", "keras"})


@dataclass(frozen=True, slots=True)
class Code:
    """A Python model on its way into a bundle.

    Attributes:
        model: what the bundle will say of it.
        files: identity files by path.
    """

    model: PythonModel
    files: dict[str, bytes]


def collect(
    model: Any, files: Sequence[str | Path] = (), requires: Sequence[str] = (), *, pure: bool = False
) -> Code:
    """The code of a model: `module:name`, or a class or function of a module that is a file.

    `files` are files and folders that the model reads; they keep their place relative to its module.
    `requires` are distributions that it needs besides those it imports by name.

    Raises `Unsupported` (`python-entry`) when there is no such module, `SettingsError` for a file that cannot
    be part of a bundle, `SourceRefused` (`pickle-refused`) for a pickle.
    """
    entry, root = _named(model) if isinstance(model, str) else _live(model)
    modules = _with_local_imports(root, entry.partition(":")[0])
    found = {_inside(root, path): path.read_bytes() for path in modules}
    for path in _expanded(files):
        found[_inside(root, path)] = _harmless(path)
    for name in found:
        if not safe(name):
            msg = f"{name.removeprefix(FOLDER)!r} is not a name that a bundle can hold"
            raise SettingsError(msg, code="bundle-path", hint="plain names, at most three folders deep")
    sources = [path.read_text(encoding="utf-8") for path in modules]
    return Code(PythonModel(entry, _requirements(sources, requires, root), pure), found)


def _named(text: str) -> tuple[str, Path]:
    """An entry, and the folder that its top module lies in: this one, or one that Python imports from."""
    module = text.partition(":")[0]
    top = module.partition(".")[0]
    if is_entry(text) and (spec := PathFinder.find_spec(top, [str(Path.cwd()), *sys.path])) and spec.origin:
        origin = Path(spec.origin)
        return text, (origin.parent.parent if origin.name == "__init__.py" else origin.parent).resolve()
    msg = f"{text!r} names no model: there is no module {module!r} here"
    raise Unsupported(msg, code="python-entry", hint="write my_module:MyModel, beside my_module.py")


def _live(model: Any) -> tuple[str, Path]:
    name, module = getattr(model, "__qualname__", ""), getattr(model, "__module__", "")
    path = inspect.getsourcefile(model) if inspect.isclass(model) or inspect.isfunction(model) else None
    entry = f"{module}:{name}"
    if path is None or module == "__main__" or not is_entry(entry):
        msg = f"{name or type(model).__name__} is not in a module of its own, so its code cannot be packed"
        raise Unsupported(
            msg, code="python-entry", hint="put the class or function into a file, and import it from there"
        )
    depth = module.count(".") + (Path(path).name == "__init__.py")
    return entry, Path(path).resolve().parents[depth]


def _with_local_imports(root: Path, module: str) -> list[Path]:
    """The files of a module, of its package, and of whatever these import from the same folder."""
    found: dict[Path, None] = {}
    todo = [module.partition(".")[0]]
    while todo:
        for path in _files_of(root, todo.pop()):
            if path not in found:
                found[path] = None
                todo += _imported(path.read_text(encoding="utf-8"))
    return list(found)


def _files_of(root: Path, top: str) -> list[Path]:
    """The files of a module that lies in a folder; none when it does not."""
    if (package := root / top / "__init__.py").is_file():
        return sorted(package.parent.rglob("*.py"))
    module = root / f"{top}.py"
    return [module] if module.is_file() else []


def _imported(source: str) -> Iterator[str]:
    """Top-level names that a source imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _requirements(sources: Sequence[str], requires: Sequence[str], root: Path) -> dict[str, str]:
    """Distributions that the sources import, as they are installed here, and those that were named."""
    known = metadata.packages_distributions()
    tops = {top for source in sources for top in _imported(source)} - sys.stdlib_module_names
    used = {known[top][0] for top in tops if top in known and not _files_of(root, top)} - {"modelport"}
    return {name: version_of(name) for name in sorted(used | set(requires))}


def version_of(name: str) -> str:
    """The version of a distribution that is installed. Raises `SettingsError`."""
    try:
        version = metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        version = ""
    if not is_requirement(name, version):
        msg = f"{name!r} is not a distribution that is installed here"
        raise SettingsError(msg, code="requirement-absent", hint="name what pip installs, as scikit-learn")
    return version


def _expanded(files: Sequence[str | Path]) -> Iterator[Path]:
    for file in map(Path, files):
        if not file.exists():
            msg = f"there is no file {file.name!r}"
            raise SettingsError(msg, code="no-such-file", hint="check the path")
        yield from sorted(path for path in file.rglob("*") if path.is_file()) if file.is_dir() else [file]


def _inside(root: Path, path: Path) -> str:
    """The name of a file in the bundle: where it lies beside the module, or its own name."""
    whole = path.resolve()
    return FOLDER + (whole.relative_to(root).as_posix() if whole.is_relative_to(root) else whole.name)


def _harmless(path: Path) -> bytes:
    data = path.read_bytes()
    if (kind := magic.kind_of(data)) in _PICKLES:
        msg = f"{path.name} is a pickle ({kind}), and a bundle holds none"
        raise SourceRefused(
            msg, code="pickle-refused", hint="save arrays as .npy or .safetensors, and other data as JSON"
        )
    return data

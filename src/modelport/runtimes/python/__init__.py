"""Models that are Python: their author's own code and files, loaded where only they run."""

from modelport.runtimes.python.runtime import PythonRuntime

__all__ = ["PythonRuntime"]

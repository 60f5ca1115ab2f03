"""Pillow, which decodes pictures: the only place that imports it."""

from __future__ import annotations

import warnings
from typing import Any

from modelport.errors import BundleRefused


def pillow() -> Any:
    """The module `PIL.Image`, imported at the first call. Raises `BundleRefused` where it is not installed.

    What Pillow mutters about a caller's broken file would fill the log, and Python remembers every warning.
    """
    try:
        from PIL import Image
    except ImportError as error:
        msg = "image models need Pillow, which is not installed here"
        raise BundleRefused(msg, code="extra-missing", hint="pip install 'modelport[images]'") from error
    warnings.filterwarnings("ignore", module=r"PIL\.")
    return Image

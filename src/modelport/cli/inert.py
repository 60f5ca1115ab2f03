"""Words that a bundle or a server brought, made harmless for a terminal."""

from __future__ import annotations


def inert(text: str) -> str:
    """The text with everything but printable characters and line ends written out, as `\\x1b`.

    An escape sequence could paint over what stands above it, or set a terminal's title (CVE-2003-0063 and its
    kin); a bidirectional override could turn a name round.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _spelled(char) for char in text)


def _spelled(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")

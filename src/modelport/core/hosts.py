"""What a Host header names, for those who refuse names that are not theirs (DNS rebinding needs a name)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def name_of(host: str) -> str:
    """The name or address of a Host header, in lower case, without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def is_address(name: str) -> bool:
    """IP addresses are answered: rebinding attacks need a name."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def answers_for(name: str, hosts: Iterable[str]) -> bool:
    """Whether `name` is one of `hosts` or an address; `*.example.org` stands for every name below it, `*` for
    all."""
    return is_address(name) or any(
        host in {"*", name} or (host.startswith("*.") and name.endswith(host[1:])) for host in hosts
    )

"""Server-sent events as they arrive (WHATWG HTML, section 9.2). No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its kind, its data, and the id after which reading goes on."""

    kind: str
    data: str
    id: str = ""


@dataclass(slots=True)
class EventReader:
    """Reads lines into events; an event ends with an empty line, and a comment is a heartbeat."""

    last_id: str = ""
    _kind: str = ""
    _data: list[str] = field(default_factory=list)

    def line(self, text: str) -> Event | None:
        """The event that this line ends, or None."""
        if text:
            self._field(*_parted(text))
            return None
        event = Event(self._kind or "message", "\n".join(self._data), self.last_id) if self._data else None
        self._kind, self._data = "", []
        return event

    def _field(self, name: str, value: str) -> None:
        match name:
            case "event":
                self._kind = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.last_id = value
            case _:
                pass  # a comment, a time to wait, or a field that is not known: let go, as the standard says


def _parted(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value.removeprefix(" ")

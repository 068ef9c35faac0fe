"""A narration as a value: pieces of text, each with its tone and the entries it stands on."""

from __future__ import annotations

from dataclasses import dataclass, field

from drawing.present import SERVICE_NAMES


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the narration. `tone`: "", no, back, good, wait, stuck or new. `positions`: the entries it stands on."""

    text: str
    tone: str = ""
    positions: tuple[int, ...] = ()


@dataclass(slots=True)
class Narration:
    """`parts` make the sentences, in order, with their spaces; `figures` are for a line of their own."""

    parts: list[Part] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)

    def add(self, text: str, *positions: int, tone: str = "") -> None:
        if text:
            self.parts.append(Part(text, tone, tuple(sorted(set(positions)))))

    def end_sentence(self) -> None:
        self.parts.append(Part(". "))

    def close(self) -> None:
        """Without the space after the last sentence."""
        if self.parts:
            self.parts[-1] = Part(".")


def titled(service: str) -> str:
    """A service's name on pages."""
    return SERVICE_NAMES.get(service, service) or "A service"

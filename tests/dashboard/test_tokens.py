"""The tokens keep what docs/design.md promises: text at 4.5:1 on every surface, in both schemes; and it tells the truth."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
TEXT = (
    "ink", "muted", "accent", "booking", "seats", "payments", "tickets", "projections", "bus", "browser", "compensation",
    "good", "bad", "wait",
)  # fmt: skip
SURFACES = ("paper", "panel", "sunk", "mark")
FILLED = (("accent-ink", "accent"), ("panel", "bad"), ("panel", "muted"), *(("panel", hue) for hue in TEXT[3:8]))
TOKEN = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")


def schemes() -> dict[str, dict[str, str]]:
    css = (STATIC / "base" / "tokens.css").read_text()
    light, dark = (dict(TOKEN.findall(block)) for block in re.findall(r":root \{(.*?)\n *\}", css, re.DOTALL)[:2])
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_surface(scheme: str) -> None:
    token = schemes()[scheme]
    pairs = [(text, surface) for text in TEXT for surface in SURFACES] + list(FILLED)
    low = {pair: contrast(token[pair[0]], token[pair[1]]) for pair in pairs}
    assert not {pair: ratio for pair, ratio in low.items() if ratio < 4.5}
    assert contrast(token["edge"], token["panel"]) >= 3


def test_the_document_names_the_tokens_as_they_are() -> None:
    told = (ROOT / "docs" / "design.md").read_text()
    for scheme, tokens in schemes().items():
        missing = {name: colour for name, colour in tokens.items() if colour not in told}
        assert not missing, f"{scheme}: docs/design.md does not say {missing}"


def test_only_the_tokens_name_colours() -> None:
    for sheet in STATIC.rglob("*.css"):
        if sheet.name != "tokens.css":
            found = set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{}]*[;}])", sheet.read_text()))
            found -= {"#000", "#fff"}  # on paper, and for a QR code's reader, it is black on white
            assert not found, f"{sheet.name} names {found} instead of a token"

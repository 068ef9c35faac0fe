"""A chart of horizontal bars as SVG, readable on a light and on a dark page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABEL, VALUE, EDGE = 860, 300, 120, 16
ROW, BAR, HEAD, GAP = 26, 16, 40, 14
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 14px } .note { fill: #59636e }
  .page { fill: #ffffff } .ours { fill: #0969da } .theirs { fill: #8c959f } .spread { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .note { fill: #9198a1 } .page { fill: #0d1117 }
    .ours { fill: #4493f8 } .theirs { fill: #656c76 } .spread { stroke: #f0f6fc }
  }
"""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`least` to `most`: the spread, drawn as a line at the bar's end. `ours`: drawn in the accent colour."""

    label: str
    value: float
    least: float
    most: float
    ours: bool


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Bars over one scale. `digits`: of the numbers next to the bars."""

    title: str
    bars: Sequence[Bar]
    digits: int = 0


def chart(panels: Sequence[Panel], about: str) -> str:
    """The text of an SVG file, with the panels below each other. `about`: what it shows, for those who cannot see it."""
    parts, top = [], 0.0
    for panel in panels:
        parts.append(_panel(panel, top))
        top += HEAD + ROW * len(panel.bars) + GAP
    box = f"{-EDGE} {-EDGE} {WIDTH + 2 * EDGE} {top + 2 * EDGE:.0f}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img">'
    page = f'<rect class="page" x="{-EDGE}" y="{-EDGE}" width="100%" height="100%" rx="6"/>'
    return (
        "\n".join([head, f"<title>{escape(about)}</title>", f"<style>{STYLE}</style>", page, *parts, "</svg>"]) + "\n"
    )


def _panel(panel: Panel, top: float) -> str:
    longest = max([bar.most for bar in panel.bars], default=1.0) or 1.0
    scale = (WIDTH - LABEL - VALUE) / longest
    lines = [f'<text class="title" x="0" y="{top + 24:.0f}">{escape(panel.title)}</text>']
    for number, bar in enumerate(panel.bars):
        y = top + HEAD + ROW * number
        middle, end = y + BAR / 2, LABEL + bar.most * scale
        lines += [
            f'<text x="{LABEL - 10}" y="{middle + 4.5:.1f}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{"ours" if bar.ours else "theirs"}" x="{LABEL}" y="{y:.1f}" width="{bar.value * scale:.1f}"'
            f' height="{BAR}" rx="2"/>',
            f'<line class="spread" x1="{LABEL + bar.least * scale:.1f}" x2="{end:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>',
            f'<text class="note" x="{end + 8:.1f}" y="{middle + 4.5:.1f}">{bar.value:,.{panel.digits}f}</text>',
        ]
    return "\n".join(lines)

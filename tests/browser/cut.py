"""What cannot be read on a page: text that is cut off, and text that is too small. Measured in the page itself."""

from playwright.sync_api import Page

CUT = """() => {
  const ruler = document.createElement("canvas").getContext("2d");
  const width = (text, style) => {
    ruler.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    return ruler.measureText(text).width;
  };
  const HIDDEN = ".unseen, .visually-hidden";
  const seen = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.closest(HIDDEN);
  const place = (one) => `${one.tagName.toLowerCase()}${one.id ? `#${one.id}` : ""}.${one.className}`;
  const label = (one) => `${place(one)}: ${(one.value ?? one.textContent).trim().slice(0, 60)}`;
  const found = [];
  for (const select of document.querySelectorAll("select")) {
    if (!seen(select)) continue;
    const style = getComputedStyle(select);
    const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 14; // its arrow
    const text = select.selectedOptions[0]?.text.trim() ?? "";
    if (width(text, style) > room + 1) found.push(`${label(select)}, "${text}" has ${room} px of ${width(text, style)}`);
  }
  for (const field of document.querySelectorAll("input[placeholder], textarea[placeholder]")) {
    if (!seen(field) || field.value) continue;
    const style = getComputedStyle(field);
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (field.tagName !== "INPUT" || width(field.placeholder, style) <= room + 1) continue;
    found.push(`${label(field)}, its placeholder "${field.placeholder}"`);
  }
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const holder = node.parentElement;
    if (!node.textContent.trim() || holder.closest("svg, script, style, noscript, select, textarea") || !seen(holder)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 2) continue;
    for (let around = holder; around && around !== document.body; around = around.parentElement) {
      const { overflowX, clipPath } = getComputedStyle(around);
      if (clipPath !== "none" || ["auto", "scroll"].includes(overflowX)) break; // hidden on purpose, or it can be scrolled to
      if (overflowX === "visible") continue;
      const clip = around.getBoundingClientRect();
      if (box.right > clip.right + 1 || box.left < clip.left - 1) found.push(`${label(holder)}, cut by ${place(around)}`);
      break;
    }
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`the page is ${wide} px wide`);
  return [...new Set(found)];
}"""

FIRST_SCREEN = """() => {
  const inView = (box) => box.width > 1 && box.height > 1 && box.top < innerHeight && box.bottom > 0 && box.left < innerWidth;
  const HIDDEN = ".unseen, .visually-hidden, .skip";
  const seen = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.closest(HIDDEN);
  const words = [];
  const small = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const holder = node.parentElement;
    const text = node.textContent.trim();
    if (!text || holder.closest("script, style, noscript, option, title, .seat, .row-name, #recent") || !seen(holder)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!inView(box) || getComputedStyle(holder).clipPath !== "none") continue;
    words.push(...text.split(/\\s+/));
    const svg = holder.closest("svg");
    const scale = svg && svg.viewBox?.baseVal?.width ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(getComputedStyle(holder).fontSize) * scale;
    if (size < 11.95) small.push(`${size.toFixed(1)} px: ${text.slice(0, 40)}`);
  }
  const CONTROLS = 'a[href], button, select, input:not([type="hidden"]), textarea, summary, [tabindex="0"]';
  const controls = [...document.querySelectorAll(CONTROLS)].filter((one) => {
    if (!seen(one) || one.closest(".seats, #recent")) return false;
    return inView(one.getBoundingClientRect()) && getComputedStyle(one).clipPath === "none";
  });
  const name = (one) => `${one.tagName.toLowerCase()}#${one.id} ${one.textContent.trim().replace(/\\s+/g, " ").slice(0, 30)}`;
  return { words, small: [...new Set(small)], controls: controls.map(name) };
}"""


def cut(page: Page) -> list[str]:
    """Texts of the page that are cut: the value of a list, a placeholder, or what a box hides at its edge."""
    found: list[str] = page.evaluate(CUT)
    return found


def first_screen(page: Page) -> dict[str, list[str]]:
    """What stands in the window without scrolling: `words`, `controls`, and texts that are `small`er than 12 px. Seats and
    lists of choices are not counted."""
    found: dict[str, list[str]] = page.evaluate(FIRST_SCREEN)
    return found

// The space-time diagram: an entry's causes and effects, one tab stop, zoom, and the place kept across a redraw.

import { atSwap } from "../live/swap.js";
import { focus, future, neighbour, past, stop, weave } from "./tracing.js";

const find = (id) => document.getElementById(id);
const svg = () => find("diagram-svg");
const NODE = "#diagram-svg .node";
let nodes = [];
let ends = weave([]);

// The past and the future of an entry; or of both ends of a message.
const trace = (element) => {
  const drawing = svg();
  if (!drawing) return;
  const edge = element?.matches(".edge") ? element.dataset : null;
  const [first, last] = edge ? [edge.from, edge.to] : [element?.id, element?.id];
  const before = element ? past(ends, first) : new Set();
  const after = element ? future(ends, last) : new Set();
  if (edge) before.add(first), after.add(last);
  drawing.toggleAttribute("data-tracing", Boolean(element));
  for (const one of drawing.querySelectorAll(".node, .edge")) {
    one.classList.toggle("past", before.has(one.id));
    one.classList.toggle("future", after.has(one.id));
    one.classList.toggle("here", one === element);
  }
  find("diagram-said").textContent = element ? said(element, edge, before, after) : "";
};
const said = (element, edge, before, after) => {
  const entries = (found) => [...found].filter((id) => id.startsWith("n-")).length;
  const what = edge ? element.querySelector("title").textContent : element.getAttribute("aria-label");
  return `${what}. ${entries(before)} led to it, ${entries(after)} resulted from it.`;
};

// The pointer counts more than the focus, the focus more than what was searched for.
let pointed = "";
const show = () => trace(find(pointed) ?? document.activeElement?.closest(NODE) ?? svg()?.querySelector('[aria-current="true"]'));
document.addEventListener("mouseover", (event) => {
  const over = event.target.closest?.("#diagram-svg .node, #diagram-svg .edge")?.id ?? "";
  if (over === pointed) return;
  pointed = over;
  show();
});
document.addEventListener("focusin", (event) => {
  const node = event.target.closest(NODE);
  if (node) stop(nodes, node);
  show();
});
document.addEventListener("focusout", show);

// Along a line, or to the next line that has entries: there to the nearest column.
const column = (node) => Number(node.dataset.column);
const along = (node, step) => {
  const line = nodes.filter((one) => one.dataset.row === node.dataset.row);
  return line[line.indexOf(node) + step];
};
const across = (node, step) => {
  const rows = nodes.map((one) => Number(one.dataset.row)).filter((row) => (row - Number(node.dataset.row)) * step > 0);
  if (!rows.length) return undefined;
  const row = String(step > 0 ? Math.min(...rows) : Math.max(...rows));
  const away = (one) => Math.abs(column(one) - column(node));
  return nodes.filter((one) => one.dataset.row === row).reduce((near, one) => (away(one) < away(near) ? one : near));
};
const MOVES = {
  ArrowRight: (node) => along(node, 1),
  ArrowLeft: (node) => along(node, -1),
  ArrowDown: (node) => across(node, 1),
  ArrowUp: (node) => across(node, -1),
  Home: () => nodes[0],
  End: () => nodes.at(-1),
  "[": (node) => neighbour(ends, node.id, "to", "from"),
  "]": (node) => neighbour(ends, node.id, "from", "to"),
};
const ZOOM = { "+": "diagram-nearer", "=": "diagram-nearer", "-": "diagram-farther" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const node = event.target.closest?.(NODE);
  if (node && !nodes.includes(node)) draw(); // another picture has come, and has not settled yet
  if (node && event.key in MOVES) focus(nodes, MOVES[event.key](node));
  else if (event.key in ZOOM && event.target.closest?.("#picture")) find(ZOOM[event.key]).click();
  else return;
  event.preventDefault();
});

// A redraw keeps the entry in the middle where it is; a new search result moves to the middle.
const centre = (node) => {
  const frame = find("diagram-scroll");
  if (!node || !frame) return;
  const [box, around] = [node.getBoundingClientRect(), frame.getBoundingClientRect()];
  frame.scrollLeft += box.left + box.width / 2 - around.left - around.width / 2;
};
const middle = () => {
  const frame = find("diagram-scroll")?.getBoundingClientRect();
  if (!frame) return "";
  const off = (node) => Math.abs(node.getBoundingClientRect().left - frame.left - frame.width / 2);
  return nodes.length ? nodes.reduce((near, node) => (off(node) < off(near) ? node : near)).id : "";
};
let kept = "";
let sought = "";
atSwap("look", ({ target }) => {
  if (target?.id === "diagram") kept = document.activeElement?.closest(NODE)?.id || middle();
});
const draw = () => {
  const drawing = svg();
  nodes = [...(drawing?.querySelectorAll(".node") ?? [])];
  ends = weave(drawing?.querySelectorAll(".edge") ?? []);
  const current = drawing?.querySelector('[aria-current="true"]');
  const fresh = current && current.id !== sought;
  sought = current?.id ?? "";
  const active = document.activeElement?.closest(NODE);
  if (active) stop(nodes, active);
  const newest = !kept && find("diagram-scroll")?.dataset.begin === "newest" ? nodes.at(-1) : undefined;
  centre(fresh ? current : nodes.find((node) => node.id === kept) ?? current ?? newest);
  show();
};

// The form says what is shown, but an answer to an earlier request does not overwrite what a person has typed since.
const say = (all) => {
  for (const field of find("diagram-form").elements) {
    if (field.name && (all || field.type === "hidden")) field.value = find("diagram").dataset[field.name] ?? "";
  }
};
let byForm = false;
document.body.addEventListener("htmx:beforeRequest", (event) => { byForm = event.detail.elt.id === "diagram-form"; });
atSwap("picture", ({ elt }) => {
  if (elt?.id !== "diagram") return;
  say(!byForm);
  draw();
});
document.body.addEventListener("htmx:historyRestore", () => {
  say(true);
  draw();
});
draw();

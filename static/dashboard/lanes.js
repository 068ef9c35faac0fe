// The swimlanes: what a box or an arrow came from and led to, one tab stop, and what is chosen kept across a redraw.

import { focus, future, neighbour, past, stop, weave } from "./tracing.js";

const svg = () => document.getElementById("lanes-svg");
const boxes = () => [...(svg()?.querySelectorAll(".box") || [])];
const arrows = () => [...(svg()?.querySelectorAll(".arrow") || [])];
const STEP = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

const trace = (element) => {
  const drawing = svg();
  if (!drawing) return;
  const found = new Set();
  if (element) {
    found.add(element.id);
    const { from, to } = element.dataset;
    for (const id of [from, to]) if (id) found.add(id);
    const ends = weave(arrows());
    for (const id of past(ends, from ?? element.id)) found.add(id);
    for (const id of future(ends, to ?? element.id)) found.add(id);
  }
  drawing.toggleAttribute("data-tracing", found.size > 0);
  for (const one of drawing.querySelectorAll(".box, .arrow")) one.classList.toggle("traced", found.has(one.id));
};

// What the pointer is on counts more than what has the focus; it is known by its id, since a redraw replaces the element.
let pointed = "";
const show = () => trace(document.getElementById(pointed) ?? document.activeElement?.closest("#lanes-svg .box"));
document.addEventListener("mouseover", (event) => {
  const over = event.target.closest?.("#lanes-svg .box, #lanes-svg .arrow")?.id ?? "";
  if (over === pointed) return;
  pointed = over;
  show();
});
document.addEventListener("focusin", show);
document.addEventListener("focusout", show);

// On the rest of the page these keys step through time; [data-own-keys] keeps them here.
document.addEventListener("keydown", (event) => {
    const box = event.target.closest?.("#lanes-svg .box");
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = boxes();
    if (event.key in STEP) focus(all, all[all.indexOf(box) + STEP[event.key]]);
    else if (event.key === "[") focus(all, neighbour(weave(arrows()), box.id, "to", "from"));
    else if (event.key === "]") focus(all, neighbour(weave(arrows()), box.id, "from", "to"));
    else if (event.key === "Home") focus(all, all[0]);
    else if (event.key === "End") focus(all, all.at(-1));
    else if (event.key === "Enter" || event.key === " ") htmx.trigger(box, "click");
    else return;
    event.preventDefault();
});

// "as text" and where the drawing was scrolled to outlive a redraw; boxes that were not there before are marked for a moment.
let asText = false;
let known = null;
let scrolled = 0;
const draw = () => {
  const drawing = svg();
  if (!drawing) return;
  const text = document.getElementById("lanes-text");
  const scroll = document.getElementById("lanes-scroll");
  document.getElementById("lanes-switch").setAttribute("aria-pressed", String(asText));
  text.hidden = !asText;
  scroll.hidden = asText;
  scroll.scrollLeft = scrolled;
  const booking = drawing.closest("#lanes").dataset.booking;
  const now = new Set(boxes().map((box) => box.id));
  if (known?.booking === booking) for (const box of boxes()) box.classList.toggle("fresh", !known.ids.has(box.id));
  known = { booking, ids: now };
  const active = document.activeElement?.closest("#lanes-svg .box"); // htmx gives the focus back by the id
  if (active) stop(boxes(), active);
  show();
};
document.addEventListener("click", (event) => {
  if (!event.target.closest("#lanes-switch")) return;
  asText = !asText;
  draw();
});
document.addEventListener("scroll", (event) => { if (event.target.id === "lanes-scroll") scrolled = event.target.scrollLeft; }, true);
document.body.addEventListener("htmx:afterSettle", draw);
draw();

// The swimlanes: the causes and effects of a box or a message, one tab stop, and the selection kept across a redraw.

import { atSwap } from "../live/swap.js";
import { light } from "./legend.js";
import { settle } from "./scrolling.js";
import { edge, focus, future, neighbour, past, stop, weave } from "./tracing.js";

const svg = () => document.getElementById("lanes-svg");
const boxes = () => [...(svg()?.querySelectorAll(".box") || [])];
const arrows = () => [...(svg()?.querySelectorAll(".arrow") || [])];
const PART = "#lanes-svg .box, #lanes-svg .arrow";
const STEP = { ArrowDown: 1, ArrowUp: -1 };
const LEADS = { ArrowLeft: ["to", "from"], "[": ["to", "from"], ArrowRight: ["from", "to"], "]": ["from", "to"] }; // near, far

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

// The pointer has precedence over the focus; elements are remembered by id, since a redraw replaces them.
let pointed = "";
const show = () => trace(document.getElementById(pointed) ?? document.activeElement?.closest(PART));
let keyed = ""; // where the pointer rested when a key moved the focus: until it moves itself, what scrolls below it is not pointed at
let rests = "";
document.addEventListener("mouseover", (event) => {
  const over = event.target.closest?.(PART)?.id ?? "";
  rests = `${event.screenX} ${event.screenY}`;
  if (over === pointed || rests === keyed) return;
  pointed = over;
  show();
});
document.addEventListener("focusin", show);
document.addEventListener("focusout", show);

// Up and down go through the boxes, or through the messages when one has the focus; right and left along the cause, from a box to
// its message and on to the next box; ] and [ from box to box. On the rest of the page these keys step through time:
// [data-own-keys] keeps them here.
const led = (part, key) => {
  const [near, far] = LEADS[key];
  if (part.matches(".arrow")) return document.getElementById(part.dataset[far]);
  const ends = weave(arrows());
  return key in { "[": 0, "]": 0 } ? neighbour(ends, part.id, near, far) : edge(ends, part.id, near);
};
document.addEventListener("keydown", (event) => {
  const part = event.target.closest?.(PART);
  if (!part || event.ctrlKey || event.metaKey || event.altKey) return;
  const alike = part.matches(".box") ? boxes() : arrows();
  const to = (one) => {
    [keyed, pointed] = [rests, ""];
    focus([...boxes(), ...arrows()], one);
    show();
  };
  if (event.key in STEP) to(alike[alike.indexOf(part) + STEP[event.key]]);
  else if (event.key in LEADS) to(led(part, event.key));
  else if (event.key === "Home") to(alike[0]);
  else if (event.key === "End") to(alike.at(-1));
  else if (event.key === "Enter" || event.key === " ") htmx.trigger(part, "click");
  else return;
  event.preventDefault();
});

// An opened element stays where it is, unless its details would cover it.
let opened = null; // {id, top}
const keep = () => {
  const part = document.getElementById(opened?.id);
  const details = document.getElementById("entry-details");
  if (!part || part.dataset.pos !== details?.dataset.pos) return;
  const at = () => part.querySelector(".pill-shape, .shape, .way").getBoundingClientRect();
  const places = [document.getElementById("lanes-picture"), window]; // what the first cannot scroll, the second does
  for (const place of places) place.scrollBy({ top: at().top - opened.top, behavior: "instant" });
  for (const place of places) {
    place.scrollBy({ top: Math.max(at().bottom + 12 - details.getBoundingClientRect().top, 0), behavior: "instant" });
  }
  opened = null;
};
document.addEventListener("click", (event) => {
  const part = event.target.closest?.(PART);
  if (part) opened = { id: part.id, top: part.querySelector(".pill-shape, .shape, .way").getBoundingClientRect().top };
});

// A message's details are those of the entry that wrote it, with the message open. One listener, since a drawing has dozens.
document.addEventListener("click", (event) => {
  const arrow = event.target.closest?.("#lanes-svg .arrow");
  if (!arrow) return;
  const address = `${svg().dataset.panel}${arrow.dataset.pos}&message=${arrow.dataset.message}`;
  htmx.ajax("GET", address, { source: arrow, target: "#booking", swap: "outerHTML" });
});

// "as text" survives a redraw; new boxes are marked for a moment.
let asText = false;
let known = null;
let drawn = null;
const draw = () => {
  const drawing = svg();
  drawn = drawing;
  if (!drawing) return;
  const text = document.getElementById("lanes-text");
  document.getElementById("lanes-switch").setAttribute("aria-pressed", String(asText));
  text.hidden = !asText;
  document.getElementById("lanes-picture").hidden = asText;
  const booking = drawing.closest("#lanes").dataset.booking;
  const now = new Set(boxes().map((box) => box.id));
  const another = known?.booking !== booking;
  const { folded, narrow } = document.getElementById("lanes-picture").dataset;
  const kind = `${folded} ${narrow}`; // with every detail there are more boxes, and no new row
  const grown = !another && kind === known.kind && boxes().some((box) => !known.ids.has(box.id));
  if (!another) for (const box of boxes()) box.classList.toggle("fresh", !known.ids.has(box.id));
  known = { booking, ids: now, kind };
  const active = document.activeElement?.closest(PART); // htmx gives the focus back by the id
  if (active) stop([...boxes(), ...arrows()], active);
  const live = document.getElementById("booking")?.dataset.live === "true";
  settle(live, { another, grown, pointed: Boolean(document.getElementById(pointed)) });
  keep();
  show();
  light();
};
document.addEventListener("click", (event) => {
  if (!event.target.closest("#lanes-switch")) return;
  asText = !asText;
  draw();
});
// Where a drawing would have letters under 12 px, the browser gets the narrow one; and every detail only if somebody wants it. The
// server chooses by cookies; the page requests the drawing again only if it got the wrong one.
const LEAST_PX = { glance: 580, details: 620 };
const phone = window.matchMedia("(max-width: 56.25em)");
const AGAIN_MS = 1_000; // an answer that was under way may still bring the wrong picture: looked at again until it is the right one
const YEAR_S = 31_536_000;
const keepCookie = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`; };
let looking = 0;
let reloaded = null;

const fit = () => {
  clearTimeout(looking);
  const picture = document.getElementById("lanes-picture");
  if (!picture || !(phone.matches || picture.clientWidth)) return; // hidden: the words are shown instead
  const narrow = phone.matches || picture.clientWidth < LEAST_PX["folded" in picture.dataset ? "glance" : "details"];
  keepCookie("lanes", narrow ? "narrow" : "wide");
  if (picture.hasAttribute("data-narrow") === narrow || !document.cookie.includes("lanes=")) return;
  const panel = document.getElementById("booking");
  looking = setTimeout(fit, AGAIN_MS);
  if (panel.dataset.live === "true") htmx.trigger(panel, "refresh");
  else if (reloaded !== panel) {
    reloaded = panel;
    location.reload();
  }
};
window.addEventListener("resize", fit);
document.addEventListener("DOMContentLoaded", fit); // htmx is ready then

// Details are kept in this browser, and are in the address, which may be sent to somebody.
const asked = new URLSearchParams(location.search).get("details");
if (asked !== null) keepCookie("details", asked === "1" ? "1" : "0");
document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("#lanes-details");
  if (!button) return;
  const details = button.getAttribute("aria-pressed") !== "true";
  keepCookie("details", details ? "1" : "0");
  const address = new URL(location.href);
  if (details) address.searchParams.set("details", "1");
  else address.searchParams.delete("details");
  history.replaceState(history.state, "", address);
  const panel = document.getElementById("booking");
  const moment = `${svg().dataset.panel}${document.getElementById("time-moves").dataset.pos}`;
  if (panel.dataset.live === "true") htmx.trigger(panel, "refresh");
  else htmx.ajax("GET", moment, { source: button, target: "#booking", swap: "outerHTML" });
});
// Other panels settle several times a second. An event of theirs while ours is still settling is too early: htmx is
// about to remove the classes that we would set.
atSwap("draw", () => {
  if (svg() && (svg() === drawn || svg().closest(".htmx-settling"))) return;
  draw();
  fit();
});
draw();

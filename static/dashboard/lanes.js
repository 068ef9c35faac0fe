// The swimlanes: what a box or an arrow came from and led to, one tab stop, and what is chosen kept across a redraw.

const svg = () => document.getElementById("lanes-svg");
const boxes = () => [...(svg()?.querySelectorAll(".box") || [])];
const arrows = () => [...(svg()?.querySelectorAll(".arrow") || [])];
const STEP = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

// Everything that leads to, or from, one box; `near` is the end an arrow is followed from.
const reach = (id, near, far, found) => {
  for (const arrow of arrows()) {
    if (arrow.dataset[near] !== id || found.has(arrow.id)) continue;
    found.add(arrow.id);
    const next = arrow.dataset[far];
    if (next) {
      found.add(next);
      reach(next, near, far, found);
    }
  }
  return found;
};

const trace = (element) => {
  const drawing = svg();
  if (!drawing) return;
  const found = new Set();
  if (element) {
    found.add(element.id);
    const { from, to } = element.dataset;
    for (const id of [from, to]) if (id) found.add(id);
    reach(from ?? element.id, "to", "from", found);
    if ((to ?? element.id) !== "") reach(to ?? element.id, "from", "to", found);
  }
  drawing.toggleAttribute("data-tracing", found.size > 0);
  for (const one of drawing.querySelectorAll(".box, .arrow")) one.classList.toggle("traced", found.has(one.id));
};

const focus = (box) => {
  if (!box) return;
  for (const one of boxes()) one.setAttribute("tabindex", one === box ? "0" : "-1");
  box.focus();
  box.scrollIntoView({ block: "nearest", inline: "nearest" });
};

// The nearest cause is the latest arrow that comes in; the nearest effect prefers a message to a view's update.
const neighbour = (box, near, far) => {
  const found = arrows().filter((arrow) => arrow.dataset[near] === box.id && arrow.dataset[far]);
  const main = found.find((arrow) => arrow.dataset.kind !== "event") || found[0];
  return main && document.getElementById(main.dataset[far]);
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
    if (event.key in STEP) focus(all[all.indexOf(box) + STEP[event.key]]);
    else if (event.key === "[") focus(neighbour(box, "to", "from"));
    else if (event.key === "]") focus(neighbour(box, "from", "to"));
    else if (event.key === "Home") focus(all[0]);
    else if (event.key === "End") focus(all.at(-1));
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
  if (active) for (const box of boxes()) box.setAttribute("tabindex", box === active ? "0" : "-1");
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

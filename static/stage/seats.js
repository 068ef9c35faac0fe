// Choosing seats: the selection is kept in the browser until it is booked, also over a reload. The server renders the
// map itself.

import { atSwap } from "../live/swap.js";
import { choosing } from "./performance.js";

const KEPT = "sagabox.chosen";
export const form = document.getElementById("shop");
const MOST = Number(form.dataset.most);
const field = document.getElementById("seats-field");
const button = document.getElementById("book-button");
const text = document.getElementById("chosen");
const note = document.getElementById("chosen-note");

export const chosen = new Map(); // label -> {price, currency}, as the map showed them when they were chosen
const seatsOf = () => document.getElementById("seats");
export const performanceShown = () => seatsOf()?.dataset.performance ?? "";
const ours = performanceShown(); // of this page; while it looks at another moment the map may be another performance's
const seatOf = (label) => document.getElementById(`seat-${ours}-${label}`);

export const tell = (words) => { note.textContent = words; };

const sum = () => [...chosen.values()].reduce((amount, seat) => amount + seat.price, 0);
const total = () => {
  const [{ currency }] = chosen.values();
  const shown = new Intl.NumberFormat("en", { style: "currency", currency });
  return shown.format(sum() / 10 ** shown.resolvedOptions().maximumFractionDigits);
};

// The price that the buyer saw is sent with the seats.
export const show = () => {
  field.value = [...chosen.keys()].join(",");
  document.getElementById("seen-amount").value = chosen.size ? sum() : "";
  document.getElementById("seen-currency").value = [...chosen.values()][0]?.currency ?? "";
  button.disabled = chosen.size === 0 && !held;
  text.textContent = chosen.size ? `${[...chosen.keys()].join(", ")} · ${total()}` : "Click a seat.";
  keep();
};

const keep = () => {
  try {
    if (chosen.size) sessionStorage.setItem(KEPT, JSON.stringify({ performance: ours, labels: [...chosen.keys()] }));
    else if (kept().performance === ours) sessionStorage.removeItem(KEPT);
  } catch {
    // not kept, then
  }
};
const kept = () => {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
};

const choose = (seat) => {
  chosen.set(seat.dataset.label, { price: Number(seat.dataset.price), currency: seat.dataset.currency });
  seat.setAttribute("aria-selected", "true");
};

// While a booking is on its way, or its outcome is unknown, its seats stay chosen, whichever booking has them by then.
// `why` is the reason.
let held = "";
export const hold = (why) => {
  held = why;
  show();
};
export const release = () => {
  held = "";
  for (const label of [...chosen.keys()]) {
    const seat = seatOf(label);
    if (seat && seat.dataset.status !== "AVAILABLE") chosen.delete(label);
  }
  show();
};
export const clear = () => {
  for (const label of chosen.keys()) {
    if (seatOf(label)?.dataset.status === "AVAILABLE") seatOf(label).setAttribute("aria-selected", "false");
  }
  chosen.clear();
  tell("");
  show();
};

const pick = (seat) => {
  const { label, status } = seat.dataset;
  if (held) return tell(held);
  if (status !== "AVAILABLE") return tell(`${label} is ${status.toLowerCase()}. Choose a free seat.`);
  if (chosen.has(label)) {
    chosen.delete(label);
    seat.setAttribute("aria-selected", "false");
  } else if (chosen.size < MOST) choose(seat);
  else return tell(`A booking takes at most ${MOST} seats, so ${label} was not added.`);
  tell("");
  form.dispatchEvent(new CustomEvent("sagabox:picked"));
  return show();
};

// The free seats as a list, created when it is about to be opened, since seats change.
const list = document.getElementById("free-seats");
const fill = () => {
  const groups = [...seatsOf().querySelectorAll(".row")].map((row) => {
    const group = document.createElement("optgroup");
    group.label = `\u2068${row.closest(".grid").getAttribute("aria-label")}\u2069, row ${row.querySelector(".row-name").textContent}`;
    for (const seat of row.querySelectorAll('.seat[data-status="AVAILABLE"]')) {
      if (!chosen.has(seat.dataset.label)) group.append(new Option(`${seat.dataset.label} ${seat.dataset.shownPrice}`, seat.dataset.label));
    }
    return group;
  });
  list.replaceChildren(list.options[0], ...groups.filter((group) => group.children.length));
  list.selectedIndex = 0;
};
// A key only moves in it, as in the list of performances: otherwise nobody could reach the second seat without choosing the first.
choosing(list, {
  shown: () => "",
  waits: (on) => tell(on ? `Enter chooses ${list.value}.` : ""),
  go: () => {
    const seat = seatsOf().querySelector(`.grid .seat[data-label="${CSS.escape(list.value)}"]`);
    tell("");
    if (seat) pick(seat);
    fill();
  },
});
list.addEventListener("focus", fill);
list.addEventListener("blur", () => {
  if (list.value) tell("");
  list.selectedIndex = 0;
});

document.addEventListener("click", (event) => {
  const seat = event.target.closest("#seats .grid .seat");
  if (seat?.id) pick(seat); // a seat of the past has no id, and cannot be chosen
});

// One tab stop for each section's grid; arrows move within them all.
const first = () => {
  for (const grid of seatsOf()?.querySelectorAll(".grid") ?? []) {
    if (!grid.querySelector('.seat[tabindex="0"]')) grid.querySelector(".seat")?.setAttribute("tabindex", "0");
  }
};
document.addEventListener("keydown", (event) => {
  const seat = event.target.closest?.("#seats .grid .seat");
  if (seat && event.key === "Enter" && chosen.has(seat.dataset.label)) {
    event.preventDefault(); // Enter on a seat that is chosen books, as it does in any form; Space gives it back
    form.requestSubmit();
    return;
  }
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!seat || !step) return;
  event.preventDefault();
  const rows = [...seatsOf().querySelectorAll(".row")].map((row) => [...row.querySelectorAll(".seat")]);
  const y = rows.findIndex((row) => row.includes(seat));
  const row = rows[Math.min(Math.max(y + step[0], 0), rows.length - 1)];
  const next = row[Math.min(Math.max(rows[y].indexOf(seat) + step[1], 0), row.length - 1)];
  for (const one of next.closest(".grid").querySelectorAll('.seat[tabindex="0"]')) one.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});

document.getElementById("skip-seats")?.addEventListener("click", (event) => {
  const seat = seatsOf()?.querySelector('.grid .seat[tabindex="0"]');
  if (!seat) return;
  event.preventDefault();
  seat.focus();
});

// A chosen seat that another buyer took is rendered by the server without the mark; and so is a whole map that is drawn
// again after a look at another moment.
document.body.addEventListener("sagabox:renewed", ({ detail: { element: seat } }) => {
  const { label, status } = seat.dataset;
  if (!label || !chosen.has(label) || seat !== seatOf(label)) return;
  if (status === "AVAILABLE") seat.setAttribute("aria-selected", "true");
  else if (!held) {
    chosen.delete(label);
    tell(`${label} was taken meanwhile.`);
  }
  show();
});
atSwap("seats", () => {
  first();
  for (const label of chosen.keys()) if (seatOf(label)?.dataset.status === "AVAILABLE") seatOf(label).setAttribute("aria-selected", "true");
});

if (kept().performance === ours) {
  for (const label of kept().labels ?? []) if (seatOf(label)?.dataset.status === "AVAILABLE") choose(seatOf(label));
}
first();
show();

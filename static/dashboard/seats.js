// Choosing seats: what is chosen lives in the browser until it is booked. The map itself is the server's.

const MOST = 8;
const chosen = new Map(); // label -> {price, shown, currency}
const form = document.getElementById("shop");
const field = document.getElementById("seats-field");
const button = document.getElementById("book-button");
const text = document.getElementById("chosen");
let key = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();

const seatsOf = () => document.getElementById("seats");
const renew = () => { key = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now(); };

const total = () => {
  const seats = [...chosen.values()];
  const { resolvedOptions } = new Intl.NumberFormat("en", { style: "currency", currency: seats[0].currency });
  const digits = resolvedOptions.call(new Intl.NumberFormat("en", { style: "currency", currency: seats[0].currency })).maximumFractionDigits;
  const sum = seats.reduce((amount, seat) => amount + seat.price, 0) / 10 ** digits;
  return new Intl.NumberFormat("en", { style: "currency", currency: seats[0].currency }).format(sum);
};

const show = () => {
  field.value = [...chosen.keys()].join(",");
  button.disabled = chosen.size === 0;
  text.textContent = chosen.size ? `${[...chosen.keys()].join(", ")} · ${total()}` : "Click a seat.";
};

const pick = (seat) => {
  const label = seat.dataset.label;
  if (seat.dataset.status !== "AVAILABLE") {
    text.textContent = `${label} is ${seat.dataset.status.toLowerCase()}. Choose a free seat.`;
    return;
  }
  if (chosen.has(label)) chosen.delete(label);
  else if (chosen.size < MOST) {
    chosen.set(label, { price: Number(seat.dataset.price), currency: seat.dataset.currency });
  } else {
    text.textContent = `A booking takes at most ${MOST} seats.`;
    return;
  }
  renew();
  seat.setAttribute("aria-selected", String(chosen.has(label)));
  show();
};

// The first way in: the free seats as a list, made when it is about to be opened, since seats come and go.
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
list.addEventListener("focus", fill);
list.addEventListener("change", () => {
  const seat = seatsOf().querySelector(`.grid .seat[data-label="${CSS.escape(list.value)}"]`);
  if (seat) pick(seat);
  fill();
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

// A seat that somebody else took while we had it chosen comes back from the server without the mark.
document.body.addEventListener("sagabox:renewed", ({ detail: { element: seat } }) => {
  const { label, status } = seat.dataset;
  if (!label || !chosen.has(label)) return;
  if (status === "AVAILABLE") seat.setAttribute("aria-selected", "true");
  else chosen.delete(label);
  show();
});

document.body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt === form) event.detail.headers["Idempotency-Key"] = key;
});
document.body.addEventListener("booked", () => {
  chosen.clear();
  document.getElementById("problem").replaceChildren();
  document.getElementById("problem").className = "";
  for (const seat of seatsOf().querySelectorAll('[aria-selected="true"]')) if (seat.closest(".grid")) seat.setAttribute("aria-selected", "false");
  renew();
  show();
});
// No answer, or none that says why: nobody knows whether it was booked, and the same key books once, however often it is sent.
const unanswered = (event) => {
  if (event.detail.elt !== form) return;
  const problem = document.getElementById("problem");
  const why = document.createElement("b");
  why.textContent = "No answer.";
  problem.replaceChildren(why, " Your seats are still selected: try again, it books only once.");
  problem.className = "problem";
};
document.body.addEventListener("htmx:sendError", unanswered);
document.body.addEventListener("htmx:responseError", unanswered);
// Another performance is another page: its address is a permalink, and the socket is told which seats it is about.
document.getElementById("performance").addEventListener("change", (event) => {
  const address = new URL("/", location.href);
  address.searchParams.set("performance", event.target.value);
  address.searchParams.set("customer", form.elements.customer.value);
  location.assign(address);
});
document.body.addEventListener("htmx:afterSettle", first);
form.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt === form) show(); // htmx enables what it disabled, chosen seats or not
});
first();
show();

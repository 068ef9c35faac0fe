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
  seat.setAttribute("aria-pressed", String(chosen.has(label)));
  show();
};

document.addEventListener("click", (event) => {
  const seat = event.target.closest("#seats .grid .seat");
  if (seat) pick(seat);
});

// One tab stop for the grid; arrows move within it.
const first = () => {
  const seats = seatsOf();
  if (seats && !seats.querySelector('.grid .seat[tabindex="0"]')) seats.querySelector(".grid .seat")?.setAttribute("tabindex", "0");
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
  seat.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});

// A seat that somebody else took while we had it chosen comes back from the server without the mark.
document.body.addEventListener("htmx:oobAfterSwap", (event) => {
  const label = event.detail.target?.dataset?.label;
  if (label && chosen.has(label)) {
    const seat = document.getElementById(event.detail.target.id);
    if (seat?.dataset.status === "AVAILABLE") seat.setAttribute("aria-pressed", "true");
    else chosen.delete(label);
    show();
  }
});

document.body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt === form) event.detail.headers["Idempotency-Key"] = key;
});
document.body.addEventListener("booked", () => {
  chosen.clear();
  document.getElementById("problem").replaceChildren();
  document.getElementById("problem").className = "";
  for (const seat of seatsOf().querySelectorAll('[aria-pressed="true"]')) if (seat.closest(".grid")) seat.setAttribute("aria-pressed", "false");
  renew();
  show();
});
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

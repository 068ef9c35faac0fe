// A booking on its way. The request is kept with its key until the outcome is known: after a lost answer the same
// request is sent again, which books once, however often it is sent. The page shows the outcome.

import { atSwap } from "../live/swap.js";
import { choosing } from "./performance.js";
import { chosen, clear, form, hold, performanceShown, release, show, tell } from "./seats.js";

const WAITS_S = [1, 2, 4, 8, 16]; // before asking again by itself; then a button does
const KEPT = "sagabox.order";
const find = (id) => document.getElementById(id);
const body = document.body;
let order = null; // {key, values, words, unknown, asked}
let sending = false;
let answer = null; // the event that came with the answer: {name, detail}
let timer = 0;

const newKey = () => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const keep = () => {
  try {
    if (order) sessionStorage.setItem(KEPT, JSON.stringify(order));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // not kept, then: a reload would forget it
  }
};
const words = () => {
  const picked = (name) => form.elements[name].selectedOptions[0]?.text ?? "";
  return `${[...chosen.keys()].join(", ")}, for ${picked("customer")}, with ${picked("payment_method")}`;
};

const say = (title, detail, kind, ...more) => {
  const place = find("problem");
  const strong = document.createElement("b");
  strong.textContent = title;
  place.replaceChildren(strong, ` ${detail} `, ...more);
  place.className = kind;
};
const quiet = () => {
  find("problem").replaceChildren();
  find("problem").className = "";
};
const button = (text, act) => {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "chip", textContent: text });
  made.addEventListener("click", act);
  return made;
};
const link = (text, href) => Object.assign(document.createElement("a"), { textContent: text, href });

// Asking

const ask = () => {
  clearTimeout(timer);
  if (order && !sending) form.requestSubmit();
};
const unknown = () => {
  order.unknown = true;
  const wait = WAITS_S[order.asked++];
  keep();
  hold("The outcome of the previous booking has to be known first.");
  const told = `It is not known yet whether this was booked: ${order.words}. It books only once, however often it is sent.`;
  if (wait === undefined) {
    say("No answer.", told, "problem", button("Ask again", () => {
      order.asked = 0;
      ask();
    }));
    return;
  }
  say("No answer.", `${told} Asking again in ${wait} s.`, "problem");
  timer = setTimeout(ask, wait * 1000);
};
const known = () => {
  clearTimeout(timer);
  const was = order;
  order = null;
  keep();
  return was;
};

body.addEventListener("htmx:confirm", (event) => {
  if (event.detail.elt !== form) return;
  if (leaving) event.preventDefault(); // another page is on its way: what this one shows is not what is wanted any more
  else if (sending || !(order || chosen.size)) event.preventDefault();
});
body.addEventListener("htmx:configRequest", (event) => {
  const { elt, headers, parameters } = event.detail;
  if (elt !== form) return;
  if (order) {
    for (const name of Object.keys(parameters)) delete parameters[name];
    Object.assign(parameters, order.values);
  } else order = { key: newKey(), values: { ...parameters }, words: words(), unknown: false, asked: 0 };
  clearTimeout(timer);
  headers["Idempotency-Key"] = order.key;
  parameters.map = performanceShown();
  [sending, answer] = [true, null];
  keep();
  hold(order.unknown ? "The outcome of the previous booking has to be known first." : "A booking is on its way.");
});
// An answer without our event is from something else, such as a proxy or a login page: it has no information about the
// booking.
atSwap("answered", (detail) => {
  if (detail.requestConfig.elt === form && !answer) detail.shouldSwap = false;
});
for (const name of ["booked", "refused", "unanswered"]) {
  body.addEventListener(name, ({ detail }) => { if (sending) answer = { name, detail }; });
}
form.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== form) return;
  sending = false;
  const { status } = event.detail.xhr;
  const foreign = !answer && (status < 400 || status >= 500 || (order.unknown && ![401, 403].includes(status)));
  if (foreign || answer?.name === "unanswered") unknown();
  else if (answer?.name === "booked") booked(answer.detail);
  else if (order.unknown && [429, 503].includes(answer?.detail.status)) unknown();
  else refused(status);
  focusNear();
});

const booked = ({ id, state }) => {
  const { unknown: wasUnknown, values, words: asked } = known();
  if (values.performance === performanceShown()) clear();
  release();
  if (!wasUnknown) return quiet();
  const story = link("See it", `/?booking=${id}`);
  if (state === "CANCELLED") return say("Your booking was made, and cancelled since:", `${asked}. Its story says why.`, "note", story);
  return say("Your booking went through:", `${asked}. It was made once.`, "note", story);
};
const refused = (status) => {
  const gone = status === 403 || status === 401;
  if (!(gone && order.unknown)) known();
  release();
  if (answer) return; // its words are on the page already
  const again = link("Load it again", location.href);
  if (gone) say("This page is too old to book with.", "Your seats stay chosen.", "problem", again);
  else say("Not booked.", `The front door did not accept this request (${status}).`, "problem", again);
};

// Booking disables its button, which loses the focus: it moves to the story of the booking, or back to the button.
const focusNear = () => {
  const at = document.activeElement;
  if (at && at !== body && !form.contains(at) && !find("seats").contains(at)) return;
  if (answer?.name === "booked") find("booking-title")?.focus({ preventScroll: true });
  else if (at === body) find("book-button").focus();
};

form.addEventListener("sagabox:picked", () => {
  if (!order) quiet();
  if (!leaving) performances.reset(); // a seat of this map: this is the performance that is meant
});
window.addEventListener("online", ask);

// Another performance is another page: its URL is a permalink, and the socket gets its seats.

const select = find("performance");
let leaving = false;
const hint = (on) => {
  const name = select.selectedOptions[0]?.text ?? "";
  find("other-performance").hidden = !on;
  find("other-performance").firstElementChild.textContent = leaving ? `${name} is on its way.` : `The map shows another performance than ${name}.`;
  find("show-performance").hidden = leaving;
};
const go = () => {
  const address = new URL("/", location.href);
  address.searchParams.set("performance", select.value);
  address.searchParams.set("customer", form.elements.customer.value);
  leaving = true;
  hint(true);
  location.assign(address);
};
const performances = choosing(select, { shown: performanceShown, go, waits: hint });
find("show-performance").addEventListener("click", go);
find("keep-performance").addEventListener("click", () => {
  if (leaving) window.stop();
  leaving = false;
  performances.reset();
});

// However the page came back (from the back/forward cache, a duplicated tab, a form restored by the browser), the list
// selects the map's performance. A request that was under way when the page was left is sent again.
window.addEventListener("pageshow", () => {
  leaving = false;
  performances.reset();
  show();
  if (order || sending) return;
  try {
    order = JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    order = null;
  }
  if (!order) return;
  order.asked = 0;
  unknown();
  ask();
});

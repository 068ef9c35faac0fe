// Drawing: new lines on top of the log, the oldest off its end; gauges and seats in their places. A log does not move
// while a person points at it, or selects text in it: new lines wait, and a button shows how many.

import { held, whenReleased } from "./holding.js";
import { streaming } from "./rate.js";

const LINES = 200; // in the log; each that comes moves all of them, so in a stream, of which nobody reads so many, there are fewer
const STREAM_LINES = 100;

const log = document.getElementById("feed");
const more = document.getElementById("feed-more");
const still = document.getElementById("feed-place"); // log and button: they stay under the pointer
let waiting = []; // oldest first
let selectedGauges = new Map(); // id -> its newest state, which waits until nobody selects text in the old one

export const draw = (entries, latest) => {
  if (log && entries.length) {
    waiting.push(...entries.map(({ line }) => line));
    if (waiting.length > LINES) waiting.splice(0, waiting.length - LINES);
    if (held(still)) tell();
    else show();
  }
  for (const element of latest) renew(element);
};

const show = () => {
  const fresh = document.createDocumentFragment();
  const arriving = !streaming(); // an animation that never ends paints twice as many frames as there is news
  for (const line of waiting) {
    if (arriving) line.classList.add("new");
    fresh.prepend(line);
  }
  waiting = [];
  log.prepend(fresh);
  const most = arriving ? LINES : STREAM_LINES;
  while (log.children.length > most) log.lastElementChild.remove();
  tell();
};

const tell = () => {
  if (!more) return;
  const count = waiting.filter((line) => !("bookkeeping" in line.dataset)).length;
  const text = waiting.length === LINES ? `${count} or more new, show` : `${count} new, show`;
  if (count && more.textContent !== text) more.textContent = text;
  if (more.hidden !== !count) more.hidden = !count;
};

// The log as it is now, newest line first, after the page was away.
export const replaceLog = (lines) => {
  waiting = [];
  log.replaceChildren(...lines);
  tell();
};

const letGo = () => {
  if (waiting.length && !held(still)) show();
  const again = selectedGauges;
  selectedGauges = new Map();
  for (const element of again.values()) renew(element);
};
whenReleased(letGo);
more?.addEventListener("click", () => {
  if (waiting.length) show();
  log.focus();
});

// Gauges and seats contain nothing that htmx has to bind; its swap, and all listeners that wait for settling, would run
// with each frame. A seat consists of attributes and a text: these are set in place, which avoids a new layout of the
// hall. State that only the browser has is kept.
const OURS = new Set(["tabindex"]);

const rewrite = (place, element) => {
  for (const { name } of [...place.attributes]) if (!OURS.has(name) && !element.hasAttribute(name)) place.removeAttribute(name);
  for (const { name, value } of element.attributes) {
    if (!OURS.has(name) && place.getAttribute(name) !== value) place.setAttribute(name, value);
  }
  if (place.textContent !== element.textContent) place.textContent = element.textContent;
};

export const renew = (element) => {
  let place = document.getElementById(element.id);
  if (!place) return;
  if (!place.childElementCount && !element.childElementCount) rewrite(place, element);
  else if (held(place)) {
    selectedGauges.set(element.id, element);
    return;
  } else {
    place.replaceWith(element);
    place = element;
  }
  document.body.dispatchEvent(new CustomEvent("sagabox:renewed", { detail: { element: place } }));
};

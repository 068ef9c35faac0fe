// Panels that watch the journal refresh when an entry concerns them: each at most four times a second, every three
// seconds while entries stream (once a second for one that a person keeps looking at). A panel never requests while its
// last answer is on its way (that one is older than the entry, and the element may be about to be replaced), and then
// not for a multiple of the time that took, so that a busy server has time for the log. Drawing a booking takes two
// frames: in a stream the log waits for it. An answer for an element that is held (see holding.js), or in which a
// person has typed, is not drawn, and is requested again when the element is released: by these panels, and by all that
// refresh every few seconds.

import { held, renews, typedIn, whenReleased } from "./holding.js";
import "./place.js";
import { streaming } from "./rate.js";
import { atSwap } from "./swap.js";

const PACE_MS = 250; // between two questions of a panel. Gained: at twice the rate a first visit asked nine times, 78 of 153 kB
export const STREAM_PACE_MS = 3_000; // the same in a stream. Gained: with following.js' dwell, commit to pixel at 50/s, p95 121, 101, 105, 130 to 107, 96, 107, 100 ms
const CHOSEN_PACE_MS = 1_000; // the same in a stream, for the booking that somebody stays with
const REST = 4;
const LONGEST_MS = 2_000; // the longest rest of a panel whose answer took long
const due = new Set();
const asked = new Map(); // id -> when; without an entry while no answer to us is on its way
const rested = new Map(); // id -> from when on it may ask again
let timer = 0;

const words = (entries) => {
  const found = new Set(["*"]);
  for (const { service, kind, bookings } of entries) {
    found.add(`service:${service}`).add(`kind:${kind}`);
    for (const booking of bookings) found.add(`booking:${booking}`);
  }
  return found;
};

export const refreshWatching = (entries, more) => {
  if (!entries.length) return;
  const said = words(entries);
  for (const element of document.querySelectorAll("[data-watch][id]")) {
    if (more || element.dataset.watch.split(" ").some((word) => said.has(word))) due.add(element.id);
  }
  ask();
};

// Entries that arrived meanwhile may concern any of them.
export const refreshAll = () => {
  for (const element of document.querySelectorAll("[data-watch][id]")) due.add(element.id);
  ask();
};

const pace = (element) => {
  if (!streaming()) return PACE_MS;
  return element.dataset.follow === "false" ? CHOSEN_PACE_MS : STREAM_PACE_MS;
};

const ask = () => {
  clearTimeout(timer);
  const now = performance.now();
  let next = Infinity;
  for (const id of [...due]) {
    const element = document.getElementById(id);
    if (element?.classList.contains("htmx-request")) continue; // asked again when that has ended
    const wait = (rested.get(id) ?? 0) - now;
    if (wait > 0) {
      next = Math.min(next, wait);
      continue;
    }
    due.delete(id);
    if (!element) continue;
    asked.set(id, now);
    rested.set(id, now + pace(element));
    htmx.trigger(element, "refresh");
  }
  if (next < Infinity) timer = setTimeout(ask, next);
};

const again = () => {
  if (due.size) ask();
};
// What an answer replaces: its target, and the parts that are swapped out of band with it, and never without it.
const replaced = (id) => [document.getElementById(id), ...document.querySelectorAll(`[data-comes-with="${id}"]`)];
const stays = (id) => replaced(id).some((element) => held(element) || typedIn(element));
const undrawn = new Set();
whenReleased(() => {
  for (const id of undrawn) {
    if (stays(id)) continue;
    undrawn.delete(id);
    due.add(id);
  }
  again();
});
atSwap("hold", (detail) => {
  const { target, shouldSwap } = detail;
  if (!shouldSwap || !target.id || !renews(detail) || !stays(target.id)) return;
  detail.shouldSwap = false;
  undrawn.add(target.id);
});
const rest = (id, until) => rested.set(id, Math.max(rested.get(id) ?? 0, until));
// In a stream a panel that arrived in another way, for example a followed booking, counts as refreshed.
atSwap("rest", (_, target) => {
  if (streaming() && target.matches("[data-watch][id]")) rest(target.id, performance.now() + pace(target));
});
atSwap("ask", again);
document.body.addEventListener("htmx:afterRequest", ({ detail: { elt } }) => {
  if (asked.has(elt.id)) {
    const now = performance.now();
    rest(elt.id, now + Math.min(REST * (now - asked.get(elt.id)), LONGEST_MS));
    asked.delete(elt.id);
  }
  again();
});

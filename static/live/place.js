// A self-refreshing element is replaced as a whole. The person's state is carried over to the new one: the focus, open
// details, and scroll positions. Elements are matched by id, otherwise by their text and link. (This does not apply to
// a booking's story: everything in it that can have the focus has an id, which htmx handles, and its swap has no time
// for more.)

import { renews } from "./holding.js";
import { atSwap } from "./swap.js";

const RENEWED = "[hx-trigger]:not(#booking)";
const THINGS = "a[href], button, input, select, textarea, summary, details, [tabindex]";

const name = (thing) =>
  thing.id || [
    thing.tagName, thing.name, thing.getAttribute("href"), thing.getAttribute("hx-post"),
    thing.getAttribute("aria-label") ?? (thing.matches("details") ? thing.querySelector("summary") : thing).textContent.trim(),
  ].join(" ");

// Every element in `place` that a person can reach, by its name; equal names are numbered.
const things = (place) => {
  const found = new Map();
  const seen = new Map();
  for (const thing of place.querySelectorAll(THINGS)) {
    const number = seen.get(name(thing)) ?? 0;
    seen.set(name(thing), number + 1);
    found.set(`${name(thing)} ${number}`, thing);
  }
  return found;
};

const kept = new Map(); // id of what is being replaced -> name -> {focus, open, top, left}

atSwap("keep", (detail) => {
  const { target, shouldSwap } = detail;
  kept.delete(target.id);
  if (!shouldSwap || !renews(detail) || !target.id || !target.matches(RENEWED)) return;
  const had = [...things(target)].map(([known, thing]) => [known, {
    focus: thing === document.activeElement, open: thing.open, top: thing.scrollTop, left: thing.scrollLeft,
  }]);
  kept.set(target.id, new Map(had));
});
// Immediately, and not after settling: the next answer may arrive before that.
atSwap("restore", (_, place) => {
  const had = kept.get(place.id);
  if (!had) return;
  kept.delete(place.id);
  for (const [known, thing] of things(place)) {
    const { focus, open, top, left } = had.get(known) ?? {};
    if (thing.matches("details") && open !== undefined) thing.open = open;
    if (top || left) thing.scrollTo({ top, left, behavior: "instant" });
    if (focus && document.activeElement !== thing) thing.focus({ preventScroll: true });
  }
});

// Following the newest booking: the list of recent ones has it first. A booking is shown for a while before the next
// replaces it, in a stream for two refreshes of its panel, which are rare there: its end should be visible and readable.
// It stays while a person selects text in it or has the focus there.

import { held, whenReleased } from "../live/holding.js";
import { streaming } from "../live/rate.js";
import { STREAM_PACE_MS } from "../live/refresh.js";
import { atSwap } from "../live/swap.js";

const DWELL_MS = 2_000; // how long a booking is shown before a newer one takes its place
const find = (id) => document.getElementById(id);
let changed = -Infinity;
let waiting = 0;

// The heading keeps the focus by its id, even for another booking.
const stays = (panel) => {
  const active = document.activeElement;
  return held(panel) || (panel.contains(active) && active.id !== "booking-title");
};

const follow = () => {
  waiting = 0;
  const panel = find("booking");
  const newest = find("recent")?.dataset.newest;
  if (panel?.dataset.follow !== "true" || !newest || panel.dataset.booking === newest) return;
  panel.toggleAttribute("data-waits", stays(panel));
  if (panel.hasAttribute("data-waits")) return;
  const now = performance.now();
  const left = panel.dataset.booking ? changed + (streaming() ? 2 * STREAM_PACE_MS : DWELL_MS) - now : 0;
  if (left > 0) {
    waiting = setTimeout(follow, left);
    return;
  }
  changed = now;
  htmx.ajax("GET", "/bookings/newest/panel", { target: "#booking", swap: "outerHTML" });
};
const again = () => { if (!waiting) follow(); };
atSwap("follow", again);
whenReleased(again);

// The list of recent ones may be held, and then is not drawn: its newest booking is still used.
atSwap("newest", ({ target, xhr }) => {
  const told = target.id === "recent" && held(target) && /data-newest="([^"]*)"/.exec(xhr.responseText);
  if (!told) return;
  target.dataset.newest = told[1];
  again();
});

// In a stream a new booking gets the height of the previous one: otherwise everything below would jump with each of
// them.
let room = 0;
atSwap("measure", ({ target, shouldSwap }) => {
  if (shouldSwap && target.id === "booking") room = streaming() ? target.querySelector(".story").offsetHeight : 0;
});
atSwap("room", (_, target) => {
  if (target.id !== "booking") return;
  if (room && target.dataset.follow === "true") target.querySelector(".story").style.minHeight = `${room}px`;
  room = 0; // of this swap: who answers to a panel that has made way is not heard before the next
});

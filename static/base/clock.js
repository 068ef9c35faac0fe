// Times as a person wants them. A countdown (`data-left`: seconds from when the server drew it, so it keeps the server's clock) counts
// down; a time of day (`data-clock`: "time", or "moment" with its day) is shown in UTC, or in this browser's zone, as the
// switch in the Workshop menu sets it. Its absolute time is always its title.

import { atSwap } from "../live/swap.js";

const KEPT = "sagabox.clock";
const TICK_MS = 1_000; // between two seconds of a countdown
const toggle = document.getElementById("clock-switch");
const ends = new WeakMap(); // a countdown -> when it ends, by this browser's steady clock
let timer = 0;

const inWords = (left) => {
  const seconds = Math.max(Math.ceil(left), 0);
  if (!seconds) return "now";
  return seconds < 100 ? `in ${seconds} s` : `in ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`;
};
const tick = () => {
  const all = document.querySelectorAll("time[data-left]");
  for (const one of all) {
    if (!ends.has(one)) ends.set(one, performance.now() + Number(one.dataset.left) * 1000);
    const left = (ends.get(one) - performance.now()) / 1000;
    const text = inWords(left);
    if (one.textContent !== text) one.textContent = text;
    if (one.dataset.whole) one.style.setProperty("--left", Math.max(left / Number(one.dataset.whole), 0).toFixed(3));
  }
  clearTimeout(timer);
  if (all.length) timer = setTimeout(tick, TICK_MS);
};

let mine = false;
try {
  mine = localStorage.getItem(KEPT) === "mine";
} catch {
  // not kept, then
}
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const local = (date, how) => `${how === "moment" ? `${day.format(date)} ` : ""}${clock.format(date)}`;
const absolute = (date) => `${date.toISOString().slice(0, 23).replace("T", " ")} UTC`;

const tell = (place) => {
  for (const one of place.querySelectorAll("time[data-clock]")) {
    const date = new Date(one.dateTime);
    if (Number.isNaN(date.valueOf())) continue;
    one.dataset.utc ??= one.textContent;
    one.title = absolute(date);
    const text = mine ? local(date, one.dataset.clock) : one.dataset.utc;
    if (one.textContent !== text) one.textContent = text;
  }
  for (const zone of place.querySelectorAll("[data-zone]")) zone.textContent = mine ? "your time" : "UTC";
};
const show = () => {
  tell(document);
  if (!toggle) return;
  toggle.hidden = false;
  toggle.textContent = mine ? "Times in your zone: show UTC" : "Times in UTC: show yours";
};
toggle?.addEventListener("click", () => {
  mine = !mine;
  try {
    localStorage.setItem(KEPT, mine ? "mine" : "utc");
  } catch {
    // not kept, then
  }
  show();
});

atSwap("clock", (_, target) => {
  tick();
  tell(target.isConnected ? target : document);
});
show();
tick();

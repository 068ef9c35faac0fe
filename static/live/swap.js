// What is done around a swap, in this order. htmx announces a swap by events, and calls its listeners in the order in which the scripts
// happen to be loaded: here is the one listener to each of these events. The window hears it, after the listeners of a single element.
//
// A script adds what it does under a name of this list. A step whose script is not on the page is left out. A step is called with the
// event's `detail` and target. It looks at `detail.shouldSwap` itself: a step before it may have refused the answer.

const ORDER = {
  "htmx:beforeSwap": [
    // Where to, and whether at all:
    "redirect", // stage.js: an answer for a panel that has made way is for the one in its place
    "answered", // shop.js: an answer to a booking that is none of ours is not drawn
    "refusal", // console.js: a database that is down is reported in place of a result
    "editing", // operate.js: the list stays while somebody edits a message
    "hold", // refresh.js: what renews itself stays while a person holds it, or has typed in it
    "outdated", // player.js: a panel's own renewal gives way to the moment that a person wants
    // What has to be known of the old element, and what is done to it:
    "newest", // following.js: a list of recent bookings that is held still learns which is the newest
    "measure", // following.js: how high the panel is
    "look", // diagram.js: which entry the person looks at
    "keep", // place.js: focus, open details and scroll of what renews itself
    "empty", // stage.js: the panel is emptied, last of all
  ],
  "htmx:afterSwap": [
    "room", // following.js: the new panel gets the height of the old one
    "restore", // place.js: what was kept goes over to the new element
    "rest", // refresh.js: a panel that came another way in a stream rests
    "armed", // rail.js: a fault that was refused is not remembered
  ],
  "htmx:afterSettle": [
    "ask", // refresh.js: those that are due and had an answer under way
    "say", // announce.js: what the panel says to a screen reader
    "sure", // sure.js: a button that was pressed once is still asking
    "clock", // clock.js: countdowns, and times of day as a person wants them
    "fill", // rail.js: the booking that is open, in the form for faults
    "seats", // seats.js: the tab stop of the map, and what is chosen
    "follow", // following.js: the newest booking, if there is a newer one
    "sync", // player.js: the time bar
    "dock", // dock.js: an entry's details, open or as one line
    "draw", // lanes.js: the swimlanes
    "picture", // diagram.js: the space-time diagram
    "lags", // lags.js: the views' lines
  ],
};
const KNOWN = new Set(Object.values(ORDER).flat());
const steps = new Map();

export const atSwap = (name, act) => {
  if (!KNOWN.has(name) || steps.has(name)) throw new Error(`No step of a swap, or added already: ${name}`);
  steps.set(name, act);
};

const take = (event) => {
  for (const name of ORDER[event.type]) steps.get(name)?.(event.detail, event.target);
};
for (const type of Object.keys(ORDER)) window.addEventListener(type, take);

// The answer to a request of, or for, a panel that was renewed meanwhile is announced at the old panel, where the window does not hear
// it. The listener goes with its request: a page stays open for days.
window.addEventListener("htmx:beforeRequest", ({ defaultPrevented, detail: { target, xhr } }) => {
  if (defaultPrevented || target?.id !== "booking") return;
  const alone = (event) => {
    if (event.detail.xhr === xhr && !target.isConnected) take(event);
  };
  target.addEventListener("htmx:beforeSwap", alone);
  xhr.addEventListener("loadend", () => target.removeEventListener("htmx:beforeSwap", alone), { once: true });
});

// Drawing: new lines on top of the log, the oldest off its end; gauges and seats in their places.

import { streaming } from "./rate.js";

const LINES = 200; // in the log; each that comes moves all of them, so in a stream, of which nobody reads so many, there are fewer
const STREAM_LINES = 100;

export const draw = (entries, latest) => {
  const log = document.getElementById("feed");
  if (log && entries.length) {
    const fresh = document.createDocumentFragment();
    const arriving = !streaming(); // an animation that never ends paints twice as many frames as there is news
    for (const { line } of entries) {
      if (arriving) line.classList.add("new");
      fresh.prepend(line);
    }
    log.prepend(fresh);
    const most = arriving ? LINES : STREAM_LINES;
    while (log.children.length > most) log.lastElementChild.remove();
  }
  for (const element of latest) renew(element);
};

// Gauges and seats bring nothing that htmx would have to bind; its swap, and all who wait for one to settle, would be called with
// each frame. A seat is nothing but its attributes and a text: those are set in its place, which spares the hall a new layout. What
// the browser knows of a place, and the server does not, is kept.
const OURS = new Set(["tabindex"]);

const rewrite = (place, element) => {
  for (const { name } of [...place.attributes]) if (!OURS.has(name) && !element.hasAttribute(name)) place.removeAttribute(name);
  for (const { name, value } of element.attributes) {
    if (!OURS.has(name) && place.getAttribute(name) !== value) place.setAttribute(name, value);
  }
  if (place.textContent !== element.textContent) place.textContent = element.textContent;
};

const renew = (element) => {
  let place = document.getElementById(element.id);
  if (!place) return;
  if (!place.childElementCount && !element.childElementCount) rewrite(place, element);
  else {
    place.replaceWith(element);
    place = element;
  }
  document.body.dispatchEvent(new CustomEvent("sagabox:renewed", { detail: { element: place } }));
};

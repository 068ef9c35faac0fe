// Drawing: new lines on top of the log, the oldest off its end; gauges and seats in their places.

import { LENGTH } from "./inbox.js";

const CALM = 12; // lines at once that may be seen to arrive; more of them are a stream

export const draw = (entries, latest) => {
  const log = document.getElementById("feed");
  if (log && entries.length) {
    const fresh = document.createDocumentFragment();
    for (const { line } of entries) {
      if (entries.length <= CALM) line.classList.add("new");
      fresh.prepend(line);
    }
    log.prepend(fresh);
    while (log.children.length > LENGTH) log.lastElementChild.remove();
  }
  const places = latest.filter((element) => document.getElementById(element.id));
  if (places.length) {
    const html = places.map((element) => element.outerHTML).join("");
    htmx.swap(document.body, html, { swapStyle: "none" }); // out of band, so that what these elements bring is bound and told
  }
};

// The live page: one socket brings the journal's entries after our cursor. Everything received since the last animation
// frame is drawn together in the next: the log takes every line, and for a gauge or a seat only the last state matters.
// Commands never use the socket: after a reconnect it would send them again.
//
// Other modules hear `sagabox:entries` on <body>: detail.entries, newest last, each {pos, service, kind, bookings, line}, and
// detail.more, true when there were more of them than the inbox keeps; and `sagabox:renewed`: detail.element is a gauge
// or a seat with its new state. An element with an id and `data-watch` gets a "refresh" event when an entry concerns
// it; watched are words: "*" any entry, "service:seats", "kind:observation", "booking:<uuid>".

import { Inbox } from "./inbox.js";
import { connect } from "./line.js";
import { draw } from "./log.js";
import { count, streaming } from "./rate.js";
import { refreshWatching } from "./refresh.js";
import "./person.js";

// How many people have this sandbox open.
const gauge = document.getElementById("people");
const people = (count) => {
  if (!gauge || !count) return;
  gauge.hidden = count === 1; // nobody else: nothing to say
  const text = `${count} people here`;
  if (gauge.textContent !== text) gauge.textContent = text;
};

const inbox = new Inbox();
let frame = 0;

const flush = () => {
  frame = 0;
  const { entries, latest, more } = inbox.empty();
  if (!entries.length && !latest.length) return;
  count(entries);
  document.documentElement.toggleAttribute("data-streaming", streaming());
  draw(entries, latest);
  refreshWatching(entries, more);
  document.body.dispatchEvent(new CustomEvent("sagabox:entries", { detail: { entries, more } }));
};

// A hidden page gets no animation frames: lines that arrive meanwhile wait in the inbox, which keeps a thousand.
connect({
  take(message) {
    inbox.put(message);
    people(message.people);
    frame ||= requestAnimationFrame(flush);
  },
});

// The live page: one socket brings the journal's entries after our cursor. What came since the last frame is drawn at once in the
// next: the log takes every line, of a gauge or a seat only the last state matters. Commands never travel by the socket: after a
// reconnect it would send them again.
//
// Other modules hear `sagabox:entries` on <body>: detail.entries, newest last, each {pos, service, kind, bookings, line}, and
// detail.more, true when there were more of them than the inbox keeps; and `sagabox:renewed`: detail.element is a gauge or a seat
// that is as it is now. An element with an id and `data-watch` asks for its own "refresh" when an entry concerns it; watched are
// words: "*" any entry, "service:seats", "kind:observation", "booking:<uuid>".

import { Inbox } from "./inbox.js";
import { connect } from "./line.js";
import { draw } from "./log.js";
import { count, streaming } from "./rate.js";
import { refreshWatching } from "./refresh.js";
import { people } from "./people.js";
import "./person.js";

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

// The connection to the server: htmx's socket with a moving cursor. Every frame contains the cursor that it continues,
// so a duplicate or missing frame is detected here and does not reach the log. Where no socket gets through, the same
// frames are requested by HTTP. Durations come from performance.now(): the wall clock may be set while the page is
// open.

import { refetch, unsaved } from "./refetch.js";
import { read } from "./inbox.js";
import { hush, notify, say } from "./notice.js";
import { who } from "./person.js";
import { refreshAll } from "./refresh.js";

const SILENCE_MS = 25_000; // the server says something every ten seconds
const FIRST_FRAME_MS = 8_000; // it sends a frame at once: a line without one by then is held up on its way
const RETRY_MS = [250, 5_000];
const ASK_MS = 2_000; // between two looks whether the front door is back
const BLOCKED = 3; // attempts that failed while the front door answered
const RELOAD_MS = 5_000; // between two reloads of a page at least: one that helps nothing must not go round
const page = document.documentElement;

let cursor = page.dataset.pos === "" || page.dataset.pos === undefined ? null : Number(page.dataset.pos);
let socket = null;
let wrapper = null;
let heard = performance.now();
let open = false;
let handOver = () => {};

const seats = () => document.getElementById("seats")?.dataset.performance ?? "";

export const address = (url) => {
  const found = new URL(url, location.href);
  if (cursor !== null) {
    found.searchParams.set("after", String(cursor));
    found.searchParams.set("epoch", page.dataset.epoch ?? "");
  }
  found.searchParams.set("performance", seats());
  found.searchParams.set("log", document.getElementById("feed") ? "1" : "0");
  found.searchParams.set("who", who);
  return found;
};

const reconnect = () => {
  heard = performance.now();
  if (!socket) return;
  // Ignore an end that we caused ourselves. Before the first handshake only the extension can create another socket, so
  // it gets the event.
  if (wrapper) socket.onclose = socket.onerror = null;
  socket.close();
  wrapper?.reconnect();
};

// Not twice in five seconds, whatever the reason; and never longer, even if the clock was changed since the mark.
const reload = () => {
  const last = Number(sessionStorage.getItem("sagabox.reloaded") ?? 0);
  const wait = Math.min(Math.max(0, last + RELOAD_MS - Date.now()), RELOAD_MS);
  say("away", "This page is out of date; loading it again");
  setTimeout(() => {
    sessionStorage.setItem("sagabox.reloaded", String(Date.now()));
    location.reload();
  }, wait);
};

// The page cannot be continued: it was disconnected for too long, or the journal is another one. A page with a log
// fetches its complete log and seats; its panels, and those of all other pages, refresh themselves. Only a new journal
// needs a reload, and a page in which something has been typed or chosen is not reloaded without asking.
let restarting = false;
const restart = async (epoch) => {
  if (restarting) return undefined;
  restarting = true;
  open = false;
  try {
    const withLog = document.getElementById("feed") !== null;
    if (withLog && epoch !== page.dataset.epoch) {
      if (!unsaved()) return reload();
      say("away", "This page is out of date");
      return notify("The sandbox was reset, so this page is out of date. What you typed or chose is still here.", {
        text: "Load it again",
        action: () => location.reload(),
      });
    }
    say("connecting", "Catching up");
    cursor = withLog ? await refetch() : null;
    page.dataset.epoch = epoch;
    page.dataset.cursor = String(cursor ?? "");
    refreshAll();
    restarting = false;
    reconnect();
  } catch {
    setTimeout(() => {
      restarting = false;
      restart(epoch);
    }, ASK_MS);
  }
  return undefined;
};

// A frame that continues where we are, whole or in part. One that leaves a gap is refused, and requested again.
const fitting = (frame) => {
  if (cursor !== null && frame.after > cursor) return null;
  if (cursor !== null && frame.after < cursor) frame.lines = frame.lines.filter((line) => Number(line.dataset.pos) > cursor);
  cursor = cursor === null ? frame.pos : Math.max(cursor, frame.pos);
  page.dataset.cursor = String(cursor);
  return frame;
};

const behind = (head) => {
  const missing = cursor === null ? 0 : head - cursor;
  return missing > 0 ? `, ${missing} ${missing === 1 ? "entry" : "entries"} behind` : "";
};

let broken = false;
let attempts = 0; // that failed since the front door was last asked
let refused = 0; // that failed, one after the other, while it answered
const away = (failed = 1) => {
  if (restarting) return;
  open = false;
  attempts += failed;
  if (!broken) say("away", "Reconnecting"); // an attempt that fails too takes nothing back of what the pill says
  broken = true;
  if (!asking) ask();
};

// While the socket is broken the front door may still answer: with the journal's position, and, if only the socket
// fails, with the entries themselves. If it does not answer either, no number is shown.
let asking = 0;
const ask = async () => {
  clearTimeout(asking);
  asking = -1;
  let soon = false;
  try {
    if (refused >= BLOCKED) soon = await poll();
    else await askHead();
  } catch {
    if (refused >= BLOCKED && !open) lost();
    refused = attempts = 0;
  }
  asking = 0;
  if (!open && !restarting) asking = setTimeout(ask, soon ? 0 : ASK_MS);
};

const lost = () => {
  hush();
  say("away", "Reconnecting");
};

const answered = async (url) => {
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(FIRST_FRAME_MS) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
};

const askHead = async () => {
  const found = await (await answered("/live/head")).json();
  refused += attempts;
  attempts = 0;
  if (!open && found.epoch === page.dataset.epoch) say("away", `Reconnecting${behind(Number(found.pos))}`);
};

// True if there is more to fetch.
const poll = async () => {
  const frame = read(await (await answered(address("/live/entries"))).text());
  if (open) return false;
  if (frame.reload) {
    await restart(frame.epoch);
    return false;
  }
  const fit = fitting(frame);
  const left = fit ? behind(frame.head) : "";
  say("polling", left ? `Catching up${left}` : `Asking every ${ASK_MS / 1000} s`);
  notify(
    "No live connection: something between this browser and Sagabox, perhaps a proxy, lets no WebSocket through. " +
      "Everything works; the page asks for new entries every few seconds.",
  );
  if (fit) handOver(fit);
  return left !== "";
};

const receive = (text) => {
  heard = performance.now();
  const frame = read(text);
  if (frame.reload) return restart(frame.epoch);
  const fit = fitting(frame);
  if (!fit) return reconnect();
  if (!open) hush();
  open = true;
  broken = false;
  attempts = refused = 0;
  const left = behind(frame.head);
  say(left ? "connecting" : "live", left ? `Catching up${left}` : "Live");
  return handOver(fit);
};

export const connect = ({ take }) => {
  handOver = take;
  htmx.config.wsReconnectDelay = (retries) => Math.min(RETRY_MS[0] * 2 ** retries, RETRY_MS[1]) * (0.5 + Math.random() / 2);
  // The extension freezes the address it first connected to; the cursor has to move, or entries are lost across a drop.
  htmx.createWebSocket = (url) => {
    heard = performance.now();
    socket = new WebSocket(address(url));
    return socket;
  };
  const body = document.body;
  body.addEventListener("htmx:wsOpen", (event) => {
    wrapper = event.detail.socketWrapper;
    heard = performance.now();
  });
  body.addEventListener("htmx:wsClose", (event) => {
    wrapper = event.detail.socketWrapper;
    away();
  });
  body.addEventListener("htmx:wsBeforeMessage", (event) => {
    event.preventDefault(); // the extension would swap each frame at once
    receive(event.detail.message);
  });
  // After a laptop's sleep the connection may be dead without an event on either end; and a proxy may delay a
  // handshake, or frames.
  const check = () => {
    if (restarting || performance.now() - heard < (open ? SILENCE_MS : FIRST_FRAME_MS)) return;
    const told = !wrapper; // then the extension hears of the end, and says so too
    away(open ? 1 : BLOCKED - Number(told)); // held up for so long, one attempt is enough
    reconnect();
  };
  setInterval(check, ASK_MS);
  document.addEventListener("visibilitychange", check);
  window.addEventListener("online", check);
};

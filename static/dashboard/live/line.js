// The line to the server: htmx's socket with a cursor that moves. Every frame says which cursor it continues, so a frame that
// comes twice, or one that is missing, is seen here and not in the log.

import { read } from "./inbox.js";
import { say } from "./pill.js";
import { who } from "./person.js";

const SILENCE_MS = 25_000; // the server says something every ten seconds
const RETRY_MS = [250, 5_000];
const HEAD_MS = 2_000;
const page = document.documentElement;

let cursor = page.dataset.pos === "" || page.dataset.pos === undefined ? null : Number(page.dataset.pos);
let socket = null;
let wrapper = null;
let heard = Date.now();
let open = false;

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

// Whatever the reason, not twice in five seconds: a page that reloads for ever helps nobody.
const startAnew = () => {
  const last = Number(sessionStorage.getItem("sagabox.anew") ?? 0);
  const wait = Math.max(0, last + 5_000 - Date.now());
  say("away", "This page is out of date; loading it again");
  setTimeout(() => {
    sessionStorage.setItem("sagabox.anew", String(Date.now()));
    location.reload();
  }, wait);
};

const reconnect = () => {
  heard = Date.now();
  if (socket) {
    socket.onclose = socket.onerror = null; // its end is not news, and must not start yet another one
    socket.close();
  }
  wrapper?.reconnect();
};

// A frame that continues where we are, whole or in part. One that leaves a gap is refused, and asked for anew.
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
const away = () => {
  open = false;
  if (!broken) say("away", "Reconnecting"); // an attempt that fails too takes nothing back of what the pill says
  broken = true;
  askHead();
};

// While the socket is broken the front door may still be asked how far the journal has come. When it is not there either, we know
// of no number and say none.
let asking = 0;
const askHead = () => {
  clearTimeout(asking);
  if (open) return;
  fetch("/live/head", { cache: "no-store" })
    .then((answer) => (answer.ok ? answer.json() : null))
    .then((found) => {
      if (!open && found && found.epoch === page.dataset.epoch) say("away", `Reconnecting${behind(Number(found.pos))}`);
    })
    .catch(() => {})
    .finally(() => {
      if (!open) asking = setTimeout(askHead, HEAD_MS);
    });
};

export const connect = ({ take }) => {
  htmx.config.wsReconnectDelay = (retries) => Math.min(RETRY_MS[0] * 2 ** retries, RETRY_MS[1]) * (0.5 + Math.random() / 2);
  // The extension freezes the address it first connected to; the cursor has to move, or entries are lost across a drop.
  htmx.createWebSocket = (url) => {
    socket = new WebSocket(address(url));
    return socket;
  };
  const body = document.body;
  body.addEventListener("htmx:wsOpen", (event) => {
    wrapper = event.detail.socketWrapper;
    heard = Date.now();
  });
  body.addEventListener("htmx:wsClose", away);
  body.addEventListener("htmx:wsError", away);
  body.addEventListener("htmx:wsBeforeMessage", (event) => {
    event.preventDefault(); // the extension would swap each frame at once
    heard = Date.now();
    const frame = read(event.detail.message);
    if (frame.reload) return startAnew();
    const fit = fitting(frame);
    if (!fit) return reconnect();
    open = true;
    broken = false;
    const left = behind(frame.head);
    say(left ? "connecting" : "live", left ? `Catching up${left}` : "Live");
    take(fit);
  });
  // After a laptop's sleep the line may be dead without either end having said so.
  const check = () => {
    if (Date.now() - heard > SILENCE_MS) {
      away();
      reconnect();
    }
  };
  setInterval(check, 5_000);
  document.addEventListener("visibilitychange", check);
  window.addEventListener("online", check);
};

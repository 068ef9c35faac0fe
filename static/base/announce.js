// The only polite live region. It announces the last change, at most one line a second: a saga makes twenty entries in
// a second.

import { atSwap } from "../live/swap.js";

const PACE_MS = 1000; // between two announcements to a screen reader
const region = document.getElementById("say");
let next = "";
let timer = 0;

const speak = () => {
  timer = 0;
  if (!next || next === region.textContent) return;
  region.textContent = next;
  next = "";
  timer = setTimeout(speak, PACE_MS);
};
const say = (text) => {
  next = text.replace(/\s+/g, " ").trim();
  timer ||= setTimeout(speak, 100);
};

const spoken = (element) => {
  const copy = element.cloneNode(true);
  for (const mute of copy.querySelectorAll('[aria-hidden="true"]')) mute.remove();
  return copy.textContent;
};
const watch = (id) => {
  const element = document.getElementById(id);
  if (!element) return;
  let before = spoken(element);
  new MutationObserver(() => {
    const text = spoken(element);
    if (text.trim() && text !== before) say(text);
    before = text;
  }).observe(element, { childList: true, characterData: true, subtree: true });
};
document.body.addEventListener("sagabox:say", ({ detail }) => say(detail.text));
for (const id of ["chosen", "socket", "outages"]) watch(id);

let told = document.getElementById("booking")?.dataset.say;
atSwap("say", () => {
  const text = document.getElementById("booking")?.dataset.say;
  if (text && text !== told) say(text);
  told = text;
});

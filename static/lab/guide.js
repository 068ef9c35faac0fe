// A guide's steps. A step is done when the page shows what it should: so many elements, or an element that says so. They are done in
// order. "Show where" points at what the step presses.

const POINTED_MS = 1_600; // how long what a step presses is pointed at

const guide = document.getElementById("guide");
const steps = () => [...guide.querySelectorAll("li[data-selector]")];
const current = () => steps().find((step) => !step.hasAttribute("data-done"));

let before = null; // what matched already when the step began: it does not count

const isDone = ({ dataset: { selector, count, says } }) => {
  const found = [...document.querySelectorAll(selector)];
  if (found.every((one) => before.has(one))) return false;
  if (count !== undefined) return found.length === Number(count);
  return found.some((one) => one.textContent.includes(says ?? ""));
};

const look = () => {
  const step = current();
  if (step && before && isDone(step)) {
    before = null;
    step.setAttribute("data-done", "");
    step.removeAttribute("aria-current");
    const text = `Done: ${step.querySelector("p").textContent.trim()}`;
    document.body.dispatchEvent(new CustomEvent("sagabox:say", { detail: { text } }));
  }
  const next = current();
  if (next && next.getAttribute("aria-current") !== "step") next.setAttribute("aria-current", "step");
};

// A step begins with the press of its last button.
document.addEventListener("click", ({ target }) => {
  const step = current();
  const last = step?.dataset.press.split("|").at(-1);
  if (last && target.closest?.(last)) before = new Set(document.querySelectorAll(step.dataset.selector));
}, { capture: true });

guide?.addEventListener("click", ({ target }) => {
  if (!target.matches(".show")) return;
  const [first] = target.closest("li").dataset.press.split("|");
  for (const one of target.closest("li").dataset.press.split("|")) {
    for (const element of document.querySelectorAll(one)) {
      element.setAttribute("data-pointed", "");
      setTimeout(() => element.removeAttribute("data-pointed"), POINTED_MS);
    }
  }
  const place = document.querySelector(first);
  place?.scrollIntoView({ block: "center" });
  (place?.querySelector("input") ?? place)?.focus();
});

if (guide) {
  new MutationObserver(look).observe(document.getElementById("main"), { subtree: true, childList: true, attributeFilter: ["data-state", "data-fresh"] });
  look();
}

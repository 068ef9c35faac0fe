// No element is replaced while a person selects text in it, or holds a mouse button or the space bar down: the selection
// would be lost, and something else would be copied or clicked, or nothing: a button is clicked where both halves of the press
// are. What is marked `data-stays` also stays under the mouse ("pointer"), or while the focus is in it ("focus").

let pressed = null;
let pointed = null; // by a mouse. A finger does not point: after a tap it is nowhere, and no browser says that it has left.
const waiting = new Set();

const selects = (element) => {
  const selection = document.getSelection();
  return Boolean(selection?.rangeCount && !selection.isCollapsed && selection.getRangeAt(0).intersectsNode(element));
};

const stays = (element) => {
  const why = element.dataset.stays ?? "";
  return (why.includes("pointer") && element.contains(pointed)) || (why.includes("focus") && element.contains(document.activeElement));
};

export const held = (element) => Boolean(element && (selects(element) || element.contains(pressed) || stays(element)));

const TYPED = "textarea, input:is(:not([type]), [type=text], [type=search], [type=number], [type=date], [type=password])";

// Whether a person has typed something there that the server did not fill in.
export const typedIn = (place) => [...(place?.querySelectorAll(TYPED) ?? [])].some((field) => field.value !== field.defaultValue);

// Whether this answer was not requested by a person: its target refreshes itself, or a script or a hidden element does.
// (The event's own `elt` is always the target.)
export const renews = ({ target, requestConfig: { elt, verb } }) =>
  verb === "get" && (elt === target || elt === document.body || elt.hidden);

// `callback` is called whenever an element may have been released.
export const whenReleased = (callback) => waiting.add(callback);

const release = () => {
  for (const callback of waiting) callback();
};
const soon = () => setTimeout(release); // after the click that this may be, and when it is known where the focus has gone
document.addEventListener("pointerdown", ({ target }) => { pressed = target; });
for (const end of ["pointerup", "pointercancel"]) {
  window.addEventListener(end, () => {
    pressed = null;
    soon();
  });
}
// A button is pressed by the space bar when that comes up again. Not a field or a list: typing holds nothing, and the browser keeps
// the end of a key that has opened a list to itself.
const PRESSES = "button, summary, input:is([type=checkbox], [type=radio])";
const letGo = () => {
  if (!pressed) return;
  pressed = null;
  soon();
};
document.addEventListener("keydown", ({ key, target, ctrlKey, metaKey, altKey }) => {
  if (key === " " && !ctrlKey && !metaKey && !altKey && target.matches?.(PRESSES)) pressed = target;
}, { capture: true });
window.addEventListener("keyup", letGo, { capture: true });
window.addEventListener("blur", letGo); // it comes up in another window
document.addEventListener("selectionchange", () => {
  if (document.getSelection()?.isCollapsed !== false) release();
});
document.addEventListener("focusout", ({ target }) => {
  if (target === pressed) pressed = null; // the browser forgets a key's press when the focus leaves
  soon();
});
document.addEventListener("pointerover", ({ target, pointerType }) => { pointed = pointerType === "mouse" ? target : null; });
document.addEventListener("pointerout", ({ target, relatedTarget }) => {
  pointed = null;
  const left = target.closest("[data-stays]");
  if (left && !left.contains(relatedTarget)) soon();
});

// Nothing is replaced in which somebody selects text, or holds a button of the mouse down: a selection would be lost, and what is
// copied, or clicked, would be something else. What is marked `data-stays` also stays under the mouse ("pointer"), or while the focus
// is in it ("focus").

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

// Whether a person has typed there what the server did not fill in.
export const typedIn = (place) => [...(place?.querySelectorAll(TYPED) ?? [])].some((field) => field.value !== field.defaultValue);

// Whether no person asked for this answer: its target renews itself, or a script or a hidden element renews it. (The event's own `elt`
// is always the target.)
export const renews = ({ target, requestConfig: { elt, verb } }) =>
  verb === "get" && (elt === target || elt === document.body || elt.hidden);

// `callback` is called whenever something may have been let go.
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
document.addEventListener("selectionchange", () => {
  if (document.getSelection()?.isCollapsed !== false) release();
});
document.addEventListener("focusout", soon);
document.addEventListener("pointerover", ({ target, pointerType }) => { pointed = pointerType === "mouse" ? target : null; });
document.addEventListener("pointerout", ({ target, relatedTarget }) => {
  pointed = null;
  const left = target.closest("[data-stays]");
  if (left && !left.contains(relatedTarget)) soon();
});

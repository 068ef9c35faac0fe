// Nothing is replaced in which somebody selects text, or holds a button of the mouse down: a selection would be lost, and what is
// copied, or clicked, would be something else.

let pressed = null;
const waiting = new Set();

const selects = (element) => {
  const selection = document.getSelection();
  return Boolean(selection?.rangeCount && !selection.isCollapsed && selection.getRangeAt(0).intersectsNode(element));
};

export const held = (element) => Boolean(element && (selects(element) || (pressed && element.contains(pressed))));

// `callback` is called whenever something may have been let go.
export const whenReleased = (callback) => waiting.add(callback);

const release = () => {
  for (const callback of waiting) callback();
};
document.addEventListener("pointerdown", ({ target }) => { pressed = target; });
for (const end of ["pointerup", "pointercancel"]) {
  window.addEventListener(end, () => {
    pressed = null;
    setTimeout(release); // after the click that this may be
  });
}
document.addEventListener("selectionchange", () => {
  if (document.getSelection()?.isCollapsed !== false) release();
});

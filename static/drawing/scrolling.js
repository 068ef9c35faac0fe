// The swimlanes have a height of their own where there is room for columns, so that their newest row and the words above them are in
// sight together. While the page is live they follow the newest row, as a chat does: until the reader scrolls away, or moves the focus
// to an earlier row, and again from the end on; and not while the pointer rests on a box or a message. In the past, the chosen row stays
// in sight. On a phone the page scrolls instead of the picture, and follows alike, from the first row that is new: a booking that is
// opened begins with its words.

const END_PX = 24; // so near the end is the end
const LEAST_PX = 320; // the lowest they are made
const BELOW_PX = 24; // below the legend
const columns = window.matchMedia("(min-width: 56.3em)"); // else the page scrolls, and nothing in it
const NEAR_PX = 8; // between the newest row and the time bar, where the page follows
const page = document.documentElement;
const picture = () => document.getElementById("lanes-picture");
let following = true;
let top = 0; // where the reader is: the next picture is a new element
let focused = "";

const atEnd = (place) => place.scrollHeight - place.clientHeight - place.scrollTop < END_PX;
// How far the picture's end is below what can be seen of the page; negative above that.
const below = (place) => place.getBoundingClientRect().bottom - document.getElementById("time").getBoundingClientRect().top;
document.addEventListener("scroll", ({ target }) => {
  const place = picture();
  if (target === document && place?.offsetHeight && !columns.matches) {
    following = below(place) < END_PX && place.getBoundingClientRect().bottom > 0;
  }
  if (target.id !== "lanes-picture") return;
  following = atEnd(target);
  top = target.scrollTop;
}, { capture: true, passive: true });

// A redraw gives the focus back to the same box: then nobody has moved.
document.addEventListener("focusin", ({ target }) => {
  const id = target.closest?.("#lanes-svg .box, #lanes-svg .arrow")?.id ?? "";
  if (id && id !== focused) following = target === [...target.closest("svg").querySelectorAll(".box")].at(-1);
  focused = id;
});

export const measure = () => {
  const place = picture();
  const bar = document.getElementById("time");
  if (!place?.offsetHeight || !bar) return;
  const above = place.getBoundingClientRect().top + window.scrollY;
  const foot = document.querySelector(".lanes-foot")?.offsetHeight ?? 0;
  const dock = page.hasAttribute("data-folded") ? document.getElementById("entry-details")?.offsetHeight ?? 0 : 0;
  const room = Math.max(window.innerHeight - bar.offsetHeight - above - foot - dock - BELOW_PX, LEAST_PX);
  const { style } = page;
  style.setProperty("--lanes-room", columns.matches ? `${Math.round(room)}px` : "none");
  // The story reaches down to the end of the window, so that what follows it is not half under the time bar.
  const story = place.closest(".story").getBoundingClientRect().top + window.scrollY;
  style.setProperty("--story-least", columns.matches ? `${Math.round(window.innerHeight - story)}px` : "0");
};
window.addEventListener("resize", measure);

// After a redraw; `another`: it is of another booking than the one before; `pointed`: the pointer rests on a part of it; `grown`: it
// has a row that the one before had not.
export const settle = (live, { another, pointed, grown }) => {
  const place = picture();
  if (!place) return;
  measure();
  if (another) [following, top] = [true, 0];
  const follows = live && following && !pointed;
  place.scrollTop = follows ? place.scrollHeight : top;
  if (follows && grown && place.offsetHeight && !columns.matches && below(place) > 0) {
    window.scrollBy({ top: below(place) + NEAR_PX, behavior: "instant" });
  }
  const current = live ? null : place.querySelector('.box[aria-current="step"] .shape')?.getBoundingClientRect();
  if (!current) return;
  const { top: from, bottom: to } = place.getBoundingClientRect();
  const names = place.querySelector(".lanes-names").clientHeight;
  const dock = document.getElementById("entry-details")?.getBoundingClientRect().top ?? Infinity;
  const low = current.bottom + END_PX - Math.min(to, dock);
  if (current.top < from + names) place.scrollTop -= from + names - current.top + END_PX;
  else if (low > END_PX) place.scrollTop += low;
};

// How many people have this sandbox open.

const gauge = document.getElementById("people");

let shown = 0;

export const people = (count) => {
  if (!gauge || !count || count === shown) return;
  shown = count;
  gauge.hidden = false;
  gauge.textContent = count === 1 ? "Only you are here" : `${count} people here`;
};

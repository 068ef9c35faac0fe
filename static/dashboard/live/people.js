// How many people have this sandbox open.

const gauge = document.getElementById("people");

export const people = (count) => {
  if (!gauge || !count) return;
  gauge.hidden = false;
  gauge.textContent = count === 1 ? "Only you are here" : `${count} people here`;
};

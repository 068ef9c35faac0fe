// How much comes. A booking is told of thirty times in a second; more than two at a time are a stream: nobody reads along, and what
// draws or asks does so less often. An entry of a batch tells of many bookings: a faster stream may have fewer lines.

const CALM = 60; // bookings told of, a second
let recent = 0; // those of the last second or so
let at = 0;

const decay = (now) => {
  recent *= Math.exp((at - now) / 1000);
  at = now;
};

export const count = (entries) => {
  decay(performance.now());
  for (const { bookings } of entries) recent += Math.max(bookings.length, 1);
};

export const streaming = () => {
  decay(performance.now());
  return recent > CALM;
};

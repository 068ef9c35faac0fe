// How much comes. More than a booking or two in a second is a stream: nobody reads along, and what draws or asks does so less often.

const CALM = 30; // lines a second
let recent = 0; // lines of the last second or so
let at = 0;

const decay = (now) => {
  recent *= Math.exp((at - now) / 1000);
  at = now;
};

export const count = (lines) => {
  decay(performance.now());
  recent += lines;
};

export const streaming = () => {
  decay(performance.now());
  return recent > CALM;
};

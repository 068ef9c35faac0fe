// Measures the rate. More than a few bookings at a time are a stream: then nobody reads every line, and drawing and
// requests are less frequent. A stream is known by how many bookings are reported, so it is seen within a tenth of a
// second and not when its first bookings have been drawn one by one; and by how many reports arrive in total: a lone
// booking is reported thirty times in a second.

const FEW = 3; // bookings reported within a second
const CALM = 60; // reports a second; an entry of a batch reports many bookings
const SPAN_MS = 1_000; // over which it is counted. Gained: by bookings instead of reports, commit to pixel, p95 139, 197, 141 to 101, 140, 131 ms
const told = new Map(); // booking -> when it was last reported, the oldest first
let recent = 0; // reports in the last second or so
let at = 0;

const fade = (now) => {
  recent *= Math.exp((at - now) / SPAN_MS);
  at = now;
  for (const [booking, when] of told) {
    if (now - when < SPAN_MS) break;
    told.delete(booking);
  }
};

export const count = (entries) => {
  const now = performance.now();
  fade(now);
  for (const { bookings } of entries) {
    recent += Math.max(bookings.length, 1);
    for (const booking of bookings) {
      told.delete(booking); // to its new place, at the end
      told.set(booking, now);
    }
  }
};

export const streaming = () => {
  fade(performance.now());
  return told.size > FEW || recent > CALM;
};

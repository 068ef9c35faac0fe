// Playing follows the commit times, with gaps in which nothing happened cut short. For a booking the times are already
// there; for a run they are fetched when needed.

const LONGEST_GAP_MS = 1000; // in the recording; at 0.1x a person waits ten times as long
const AHEAD = 500; // entries at hand below which more are fetched

export class Playing {
  on = false;
  #frame = 0;
  #due = []; // when each entry is due, ms of the recording; #due[i] is of value #first + i
  #first = 1;
  #end = 1;

  constructor({ show, changed, speed }) {
    this.show = show;
    this.changed = changed;
    this.speed = speed;
  }

  // `end` is the last value; `facts` are the data of the moves: times, or where to fetch them.
  start(value, end, facts) {
    this.on = true;
    this.#first = value;
    this.#end = end;
    this.#due = [];
    this.more = facts.schedule && ((from) => fetch(`${facts.schedule}${from}`).then((answer) => answer.json()));
    if (!this.more) this.#append(facts.times.split(",").map(Number).slice(value - 1));
    this.now = 0;
    this.at = value;
    this.loading = null;
    this.before = performance.now();
    this.show(value);
    this.changed();
    this.#frame = requestAnimationFrame(this.#tick);
  }

  stop() {
    if (!this.on) return;
    this.on = false;
    cancelAnimationFrame(this.#frame);
    this.changed();
  }

  #append(times) {
    for (const [number, time] of times.entries()) {
      const gap = this.#due.length ? Math.min(Math.max(time - (number ? times[number - 1] : this.last), 0), LONGEST_GAP_MS) : 0;
      this.#due.push((this.#due.at(-1) ?? 0) + gap);
    }
    this.last = times.at(-1);
  }

  #load() {
    const next = this.#first + this.#due.length;
    if (!this.more || this.loading || next > this.#end || next - this.at > AHEAD) return;
    this.loading = this.more(next)
      .then((times) => (times.length ? this.#append(times) : this.stop()))
      .catch(() => this.stop())
      .finally(() => { this.loading = null; });
  }

  #tick = (now) => {
    if (!this.on) return;
    this.#load();
    const known = this.#due.at(-1) ?? 0;
    this.now = Math.min(this.now + Math.max(now - this.before, 0) * this.speed(), known);
    this.before = now;
    let at = this.at;
    while (at < this.#first + this.#due.length - 1 && this.#due[at - this.#first + 1] <= this.now) at += 1;
    if (at !== this.at) {
      this.at = at;
      this.show(at);
    }
    if (at >= this.#end) return this.stop();
    this.#frame = requestAnimationFrame(this.#tick);
    return undefined;
  };
}

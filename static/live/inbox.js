// Received elements that are not drawn yet. Log lines are kept one by one, up to a limit; for an element with an id
// only the last state is kept.

export const LENGTH = 1000; // lines that wait at most: a hidden page draws none, and must not grow for ever

// A frame as the server sends it. `lines` are oldest first; `latest` are elements that replace those with the same id.
export const read = (text) => {
  const template = document.createElement("template");
  template.innerHTML = text;
  const [head, ...rest] = template.content.children;
  const list = rest[0]?.tagName === "OL" ? rest.shift() : null;
  return {
    reload: "reload" in head.dataset,
    epoch: head.dataset.epoch,
    pos: Number(head.value),
    after: Number(head.dataset.after),
    head: Number(head.dataset.head),
    people: Number(head.dataset.people),
    lines: list ? [...list.children].reverse() : [],
    latest: rest,
  };
};

export class Inbox {
  #lines = [];
  #latest = new Map();
  #more = false;

  put({ lines, latest }) {
    this.#lines.push(...lines);
    if (this.#lines.length > LENGTH) {
      this.#lines.splice(0, this.#lines.length - LENGTH);
      this.#more = true;
    }
    for (const element of latest) this.#latest.set(element.id, element);
  }

  empty() {
    const entries = this.#lines.map((line) => ({
      pos: Number(line.dataset.pos),
      service: line.dataset.service,
      kind: line.dataset.kind,
      bookings: line.dataset.bookings ? line.dataset.bookings.split(" ") : [],
      line,
    }));
    const found = { entries, latest: [...this.#latest.values()], more: this.#more };
    this.#lines = [];
    this.#latest = new Map();
    this.#more = false;
    return found;
  }
}

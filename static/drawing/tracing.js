// Cause and effect in a drawing: edges are elements with an id, data-from and data-to (ids of the things they join, or "").

// Each end of the edges -> the edges there; made once per drawing, since a long stretch has a thousand.
export const weave = (edges) => {
  const ends = { from: new Map(), to: new Map() };
  for (const edge of edges) {
    for (const side of ["from", "to"]) {
      const id = edge.dataset[side];
      if (id) ends[side].set(id, [...(ends[side].get(id) ?? []), edge]);
    }
  }
  return ends;
};

// Ids of all causes of `id` (near "to", far "from") or all its effects (near "from", far "to"), things and edges,
// without itself.
export const reach = (ends, id, near, far) => {
  const found = new Set();
  const open = [id];
  while (open.length) {
    for (const edge of ends[near].get(open.pop()) ?? []) {
      if (found.has(edge.id)) continue;
      found.add(edge.id);
      const next = edge.dataset[far];
      if (next && !found.has(next)) {
        found.add(next);
        open.push(next);
      }
    }
  }
  return found;
};
export const past = (ends, id) => reach(ends, id, "to", "from");
export const future = (ends, id) => reach(ends, id, "from", "to");

// The edge to the nearest cause (near "to") or effect (near "from"): a message before a view's update, and the first in
// the drawing; and the thing at its other end (far). Without `far` also one that ends nowhere.
export const edge = (ends, id, near, far) => {
  const found = (ends[near].get(id) ?? []).filter((one) => !far || one.dataset[far]);
  return found.find((one) => one.dataset.kind !== "event") ?? found[0];
};
export const neighbour = (ends, id, near, far) => document.getElementById(edge(ends, id, near, far)?.dataset[far]);

// One tab stop among many: the one that has the focus.
export const stop = (all, one) => {
  for (const other of all) other.setAttribute("tabindex", other === one ? "0" : "-1");
};
export const focus = (all, one) => {
  if (!one) return;
  stop(all, one);
  one.focus();
  one.scrollIntoView({ block: "nearest", inline: "nearest" });
};

// Importing a run: the file is the request's body, so that its size does not matter. htmx polls the server's progress
// (the partial `progress` refreshes itself until it is done).
const form = document.getElementById("import");
const sent = document.getElementById("import-sent");
const answer = document.getElementById("import-answer");

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is for secure pages only
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function tell(title, detail, problem) {
  answer.className = problem ? "problem" : "";
  const strong = document.createElement("b");
  strong.textContent = title;
  answer.replaceChildren(strong, " ", detail);
}

function over(request) {
  document.getElementById("import-progress").replaceChildren();
  sent.hidden = true;
  form.querySelector("button").disabled = false;
  let told = {};
  try {
    told = JSON.parse(request.responseText);
  } catch {
    // no answer, or not one of ours
  }
  if (request.status === 201) {
    const link = document.createElement("a");
    link.href = `/replay/${told.id}`;
    link.textContent = told.name;
    tell("Imported", link, false);
    form.reset();
    htmx.trigger(document.body, "runs");
  } else {
    tell(told.title || "Not imported", told.detail || "The connection was lost, and nothing was kept. Try again.", true);
  }
}

// A progress answer that arrives after the end would only start the polling again.
document.getElementById("import-progress").addEventListener("htmx:beforeSwap", (event) => {
  if (sent.hidden) event.detail.shouldSwap = false;
});

document.body.addEventListener("runs", (event) => {
  if (event.target.id === "start") event.target.reset();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const file = form.elements.file.files[0];
  const id = newId();
  const request = new XMLHttpRequest();
  const bar = sent.querySelector("progress");
  request.upload.addEventListener("progress", (moved) => {
    bar.value = moved.loaded / file.size;
    sent.querySelector("output").textContent = `${megabytes(moved.loaded)} of ${megabytes(file.size)}`;
  });
  request.upload.addEventListener("load", () => {
    if (request.readyState < 4) htmx.ajax("GET", `/replay/imports/${id}`, { target: "#import-progress", swap: "innerHTML" });
  });
  request.addEventListener("loadend", () => over(request));
  request.open("POST", `${form.dataset.url}?id=${id}`);
  request.setRequestHeader("Content-Type", "application/x-ndjson");
  bar.value = 0;
  sent.hidden = false;
  answer.replaceChildren();
  answer.className = "";
  form.querySelector("button").disabled = true;
  request.send(file);
});

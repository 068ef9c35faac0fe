// The browser asks by itself: a booking, and then its customer, payment and tickets, each at its own address; and one composed call
// for comparison. What it measured is drawn by the server, in the same way as the composer's calls.

const button = document.getElementById("ask-browser");

const timed = async (began, service, call, url) => {
  const sent = performance.now();
  let status = 0;
  let body = null;
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
    status = answer.status;
    body = await answer.json();
  } catch {
    // no answer, or none that can be read: status says which
  }
  return { span: { service, call, began: sent - began, took: performance.now() - sent, status }, body };
};

const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`)?.value ?? "";

const ask = async () => {
  const { status, body: subject } = (await timed(0, "booking", "", "/lab/composition/subject").then(({ span, body }) => ({ status: span.status, body }))) ?? {};
  if (status !== 200) {
    document.getElementById("browser").textContent = subject?.detail ?? "No answer: it is not known what to ask about.";
    return;
  }
  const more = new URLSearchParams({ viewer: chosen("viewer"), rtt: chosen("rtt") });
  const url = (part, id) => `/lab/net/${part}?${more}&id=${id}`;
  let began = performance.now();
  const booking = await timed(began, "booking", "booking", url("booking", subject.booking));
  const rest = await Promise.all([
    timed(began, "booking", "customer", url("customer", subject.customer)),
    timed(began, "payments", "payment", url("payment", subject.booking)),
    timed(began, "tickets", "tickets", url("tickets", subject.booking)),
  ]);
  began = performance.now();
  const composed = await timed(began, "composer", "composed", `/lab/net/composed?${more}&customer=${subject.customer}`);
  const spans = [booking, ...rest].map(({ span }) => span);
  const values = { own: JSON.stringify(spans), composed: JSON.stringify([composed.span]) };
  htmx.ajax("POST", "/lab/composition/draw", { source: button, target: "#browser", swap: "outerHTML", values });
};

button?.addEventListener("click", async () => {
  button.disabled = true;
  try {
    await ask();
  } finally {
    button.disabled = false;
  }
});

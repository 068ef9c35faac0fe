// The fault rail: what only a browser knows. Everything else on it is the server's, brought by htmx.

// "This booking" is the one whose story is open.
const fillBooking = () => {
  const field = document.getElementById("arm-booking");
  if (field && !field.value) field.value = document.getElementById("booking")?.dataset.booking ?? "";
};
document.body.addEventListener("htmx:afterSettle", fillBooking);

// A fault armed or cleared changes what is down; the banner need not wait for its next look.
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.pathInfo?.requestPath?.startsWith("/rail/") && event.detail.requestConfig?.verb === "post") {
    htmx.trigger(document.getElementById("outages"), "refresh");
  }
});

// Nobody injects an outage of the front door: when it does not answer, that is ours, and it cannot say so itself.
document.body.addEventListener("htmx:sendError", (event) => {
  const banner = document.getElementById("outages");
  if (event.detail.elt !== banner || banner.querySelector("[data-front-door]")) return;
  const line = document.createElement("p");
  line.className = "outage";
  line.dataset.injected = "false";
  line.dataset.frontDoor = "";
  const tag = document.createElement("b");
  tag.className = "tag";
  tag.textContent = "not injected";
  line.append(tag, " Sagabox does not answer. What you see may be old; the page goes on by itself.");
  banner.replaceChildren(line);
});

// A run's page: another booking, or another performance, at the same moment. It is another page, with an address of its own.

const form = document.getElementById("choose");
form.addEventListener("change", (event) => {
  const address = new URL(form.action);
  const { booking, performance } = form.elements;
  if (booking.value) address.searchParams.set("booking", booking.value);
  // A booking brings its own performance, unless one was asked for.
  if (event.target === performance || !booking.value) address.searchParams.set("performance", performance.value);
  address.searchParams.set("pos", document.getElementById("time-moves").dataset.pos);
  location.assign(address);
});

// SPDX-License-Identifier: Apache-2.0
// Measures the connection: how soon answers come, how fast data, and over which protocols. The server says what it means.
"use strict";

const form = document.getElementById("check");
const QUESTIONS = 4;
// In milliseconds: an answer that takes longer is none; for so long a body is read; one that took so long tells enough.
const PATIENCE = 5000;
const READ_FOR = 2000;
const ENOUGH = 800;

function ask(address, options) {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), PATIENCE);
  return fetch(`${address}?${Math.random()}`, { cache: "no-store", credentials: "omit", signal: stop.signal, ...options });
}

async function roundTrips() {
  const times = [];
  // The first one opens the connection, which is not what is measured.
  for (let turn = 0; turn <= QUESTIONS; turn++) {
    const began = performance.now();
    const came = await ask(form.dataset.ping).catch(() => null);
    if (came && turn) times.push(performance.now() - began);
  }
  return times.sort((one, other) => one - other);
}

// Kilobits in a second, by ever larger bodies until one has taken long enough to tell.
async function speed() {
  let kbits;
  for (const sample of form.dataset.samples.split(" ")) {
    const answer = await ask(sample);
    if (!answer.ok) return undefined;
    const began = performance.now();
    const reader = answer.body.getReader();
    let bytes = 0;
    let took = 0;
    for (let read = await reader.read(); !read.done && took < READ_FOR; read = await reader.read()) {
      bytes += read.value.length;
      took = performance.now() - began;
    }
    await reader.cancel();
    kbits = Math.round((bytes * 8) / Math.max(took, 1));
    if (took > ENOUGH) break;
  }
  return kbits;
}

// Whether an address can be reached at all; what it answers is nobody's business.
const reaches = (address) =>
  ask(address, { mode: "no-cors", referrerPolicy: "no-referrer" }).then(() => "1", () => "0");

async function measure() {
  const found = new URLSearchParams(new FormData(form));
  const times = await roundTrips();
  if (!times.length) return null;
  found.set("round_trip", Math.round(times[times.length >> 1]));
  let lost = QUESTIONS - times.length;
  const { ipv4, ipv6 } = form.dataset;
  const protocols = await Promise.all([ipv4, ipv6].map((address) => address && reaches(address)));
  ["ipv4", "ipv6"].forEach((name, at) => protocols[at] && found.set(name, protocols[at]));
  const kbits = await speed().catch(() => void lost++);
  if (kbits !== undefined) found.set("kbits", kbits);
  if (lost) found.set("lost", lost);
  if (navigator.connection?.type) found.set("link", navigator.connection.type);
  return found;
}

form.hidden = document.getElementById("uses").hidden = false;
// What was measured is of this moment: whoever reloads begins anew.
history.replaceState(null, "", location.pathname);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  const label = button.textContent;
  button.disabled = true;
  button.textContent = form.dataset.busy;
  const found = await measure();
  if (found) return location.replace(`?${found}`);
  button.disabled = false;
  button.textContent = label;
  document.getElementById("unreachable").hidden = false;
  document.getElementById("steps").open = true;
});

// SPDX-License-Identifier: Apache-2.0
// Offers to push to this browser, where it can be pushed to and who is logged in has not agreed to it yet.
"use strict";

const form = document.getElementById("push");

async function subscribe(worker) {
  if ((await Notification.requestPermission()) !== "granted") return false;
  const options = { userVisibleOnly: true, applicationServerKey: form.dataset.key };
  const body = new FormData(form);
  body.set("subscription", JSON.stringify(await worker.pushManager.subscribe(options)));
  body.set("name", navigator.userAgentData?.platform || navigator.platform);
  return (await fetch(form.action, { method: "POST", body })).ok;
}

async function isKnown(worker) {
  const subscription = await worker.pushManager.getSubscription();
  if (!subscription) return false;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(subscription.endpoint));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return form.dataset.known.split(" ").includes(hex);
}

if ("PushManager" in window) {
  navigator.serviceWorker.ready.then(async (worker) => {
    form.hidden = await isKnown(worker);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const agreed = await subscribe(await navigator.serviceWorker.ready).catch(() => false);
    if (agreed) location.reload();
    else form.querySelector(".notice").hidden = false;
  });
}

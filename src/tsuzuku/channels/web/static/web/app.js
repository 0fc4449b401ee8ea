// SPDX-License-Identifier: Apache-2.0
// Has the browser keep the service worker, and offers to install the app where the browser can.
"use strict";

if ("serviceWorker" in navigator) {
  addEventListener("load", async () => {
    const isFirst = !navigator.serviceWorker.controller;
    await navigator.serviceWorker.register("/service-worker.js");
    // The worker did not see this page come.
    if (isFirst && document.querySelector(".last-known")) (await navigator.serviceWorker.ready).active.postMessage(location.pathname);
  });
}

addEventListener("online", () => {
  if (document.documentElement.dataset.offline !== undefined) location.reload();
});

addEventListener("beforeinstallprompt", (event) => {
  const button = document.getElementById("install");
  if (!button) return;
  event.preventDefault();
  button.hidden = false;
  button.addEventListener("click", () => event.prompt());
});

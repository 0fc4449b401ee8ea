{% load static %}// SPDX-License-Identifier: Apache-2.0
// The app where there is no network: shows pages as they were last known, and sends an order again that may not have arrived.
"use strict";

const KEEP_UNTIL = "{{ keep_until }}";
// The page for who is offline, of version {{ offline_version }}.
const OFFLINE = "{% url "offline" %}";
const HOME = "{% url "home" %}";
const CARDS = "{% url "my_cards" %}";
const LANGUAGE = "{% url "choose_language" %}";
// Pages there say nothing of anybody. The guide for this phone is there before somebody has no network to ask for it.
const HELP = "{% url "help" %}";
const GUIDES = [{% if phone %}"{% url "phone_guide" phone %}"{% endif %}];
// A form that is sent there, or below, ends what was kept, whatever comes of it.
const LEAVING = [{% for path in leaving %}"{{ path }}"{% if not forloop.last %}, {% endif %}{% endfor %}];
// One that is sent there, if its answer leads on: it may have let in somebody else.
const ENTERING = [{% for path in entering %}"{{ path }}"{% if not forloop.last %}, {% endif %}{% endfor %}];
const ICON = "{% static "look/icon-192.png" %}";
const PARTS = [{% for part in parts %}"{{ part }}"{% if not forloop.last %}, {% endif %}{% endfor %}];
// The names of the parts change with what is in them.
const SHELL = `shell ${PARTS}`;
const KEPT = "kept";
const HELPING = "help";
// A network that says nothing for so long is taken for none, if there is something to show.
const PATIENCE = 6000;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll([OFFLINE, ...PARTS])));
  event.waitUntil(caches.open(HELPING).then((help) => help.addAll(GUIDES)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => ![SHELL, KEPT, HELPING].includes(name)).map((name) => caches.delete(name)))),
  );
});

// The page that was open before there was a service worker.
self.addEventListener("message", (event) => event.waitUntil(fetch(event.data).then((answer) => note(event.data, answer))));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin || pathname.startsWith("{% url "admin:index" %}")) return;
  if (request.mode === "navigate") event.respondWith(visit(event, pathname));
  else if (pathname.startsWith("{% get_static_prefix %}")) event.respondWith(part(request));
});

// A reminder: the same one twice is shown once.
self.addEventListener("push", (event) => {
  const { id, title, text, link, language } = event.data.json();
  event.waitUntil(self.registration.showNotification(title, { body: text, tag: id, lang: language, icon: ICON, data: link }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data));
});

async function visit(event, path) {
  const { request } = event;
  const sent = request.method === "POST" ? request.clone() : null;
  if (sent && LEAVING.some((each) => path.startsWith(each))) await caches.delete(KEPT);
  const answer = fetch(request);
  event.waitUntil(answer.then((it) => note(path, it.clone(), sent)).catch(() => {}));
  if (sent) return answer.catch(() => askAgain(sent, path));
  const silence = new Promise((resolve) => setTimeout(resolve, PATIENCE)).then(() => lastKnown(path));
  const known = await Promise.race([answer, silence]).catch(() => lastKnown(path));
  return known || answer.catch(() => offline((page) => asOffline(page).replace('href="#again"', 'href=""')));
}

// Keeps a page as its answer says, and forgets one that the network no longer shows.
async function note(path, answer, sent) {
  if (path === LANGUAGE) await speakAnew();
  if (sent && ENTERING.includes(path) && answer.type === "opaqueredirect") await caches.delete(KEPT);
  const kept = await keptAt(path);
  if (answer.ok && answer.headers.has(KEEP_UNTIL)) await kept.put(path, answer);
  else if (answer.type === "opaqueredirect" || answer.status === 404) await kept.delete(path);
}

async function speakAnew() {
  await caches.delete(HELPING);
  await (await caches.open(SHELL)).add(OFFLINE);
  await (await caches.open(HELPING)).addAll(GUIDES);
}

function keptAt(path) {
  return caches.open(path.startsWith(HELP) ? HELPING : KEPT);
}

async function lastKnown(path) {
  const kept = await keptAt(path);
  // Whoever starts the app sees their cards, or the one they looked at last.
  const paths = path === HOME ? [CARDS, ...(await kept.keys()).reverse()] : [path];
  for (const each of paths) {
    const page = await kept.match(each);
    if (page && page.headers.get(KEEP_UNTIL) * 1000 > Date.now()) return changed(page, asOffline);
    if (page) await kept.delete(each);
  }
  return undefined;
}

// A form that carries a key may be sent twice and counts once; of any other nobody knows, so its page is asked first.
async function askAgain(sent, path) {
  const fields = new URLSearchParams(await sent.text());
  if (!fields.has("key")) return offline((page) => page.replace('href="#again"', `href="${safe(sent.referrer || HOME)}"`));
  const inputs = [...fields].map(([name, value]) => `<input type="hidden" name="${safe(name)}" value="${safe(value)}">`);
  return offline((page) =>
    page.replace('method="post" hidden>', `method="post" action="${safe(path)}">${inputs.join("")}`).replace('href="#again"', "hidden"),
  );
}

async function offline(change) {
  return changed(await caches.match(OFFLINE), change);
}

async function changed(page, change) {
  const headers = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": page.headers.get("Content-Security-Policy") };
  return new Response(change(await page.text()), { headers });
}

function asOffline(page) {
  return page.replace("<html", "<html data-offline");
}

function safe(text) {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

async function part(request) {
  const known = await caches.match(request);
  return known || fetch(request);
}

// SPDX-License-Identifier: Apache-2.0
// Passkeys. A form says with data-passkey what is asked of the browser, "create" or "get"; with data-options the
// question, or with data-ask where to fetch it. It stays hidden where a browser knows no passkeys.

const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const known = (list) => (list || []).map((each) => ({ ...each, id: decode(each.id) }));

const question = (publicKey) => ({
  ...publicKey,
  challenge: decode(publicKey.challenge),
  ...(publicKey.user && { user: { ...publicKey.user, id: decode(publicKey.user.id) } }),
  ...(publicKey.excludeCredentials && { excludeCredentials: known(publicKey.excludeCredentials) }),
  ...(publicKey.allowCredentials && { allowCredentials: known(publicKey.allowCredentials) }),
});

const answer = ({ id, type, rawId, response }, extensions) => ({
  id,
  type,
  rawId: encode(rawId),
  clientExtensionResults: extensions,
  response: Object.fromEntries(
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]
      .filter((name) => response[name])
      .map((name) => [name, encode(response[name])])
  ),
});

async function ask(form) {
  const options = form.dataset.options
    ? JSON.parse(form.dataset.options)
    : (await (await fetch(form.dataset.ask, { headers: { Accept: "application/json" } })).json()).request_options;
  const publicKey = question(options.publicKey);
  const credential =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey })
      : await navigator.credentials.get({ publicKey });
  form.elements.credential.value = JSON.stringify(answer(credential, credential.getClientExtensionResults()));
  form.submit();
}

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form).catch(() => {
      form.querySelector("[role=alert]").hidden = false;
    });
  });
}

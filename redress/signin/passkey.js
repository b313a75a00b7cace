// Passkeys, and nothing else: everything on these pages but they works without this file.
"use strict";
(() => {
  const buttons = document.querySelectorAll("[data-passkey]");
  const can = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON && PublicKeyCredential.parseCreationOptionsFromJSON;
  if (!can) return;

  const value = (id) => (document.getElementById(id) || { value: "" }).value;

  const send = async (path, body) => {
    const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, credentials: "same-origin", redirect: "error", body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(reply.status);
    return reply.json();
  };

  const run = async (button) => {
    const path = button.dataset.passkey, named = { name: value("passkey-name"), next: value("next"), label: value("label") };
    const { options, state } = await send(path + "/begin", named);
    const credential = options.user
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    const { location } = await send(path, { ...named, state, response: credential.toJSON() });
    window.location.assign(location);
  };

  buttons.forEach((button) => {
    for (let around; (around = button.closest("[hidden]")); ) around.hidden = false;
    button.addEventListener("click", async () => {
      const failed = document.getElementById("passkey-failed");
      failed.hidden = true;
      button.disabled = true;
      try {
        await run(button);
      } catch {
        failed.hidden = false;
      }
      button.disabled = false;
    });
  });
})();

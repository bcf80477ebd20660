// The login page: changes a token for a cookie that no script can read, then leads to the console.

import { byId, setText } from "./dom.js";

const JSON_BODY = { "Content-Type": "application/json" };

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ token: byId("token").value.trim() });
  try {
    const answer = await fetch("/v1/operator/login", { method: "POST", headers: JSON_BODY, body });
    if (answer.ok) location.replace("/");
    else refuse(answer.status === 401 ? "Nobody has this token." : (await answer.json()).detail);
  } catch {
    refuse("The console does not answer. Try again.");
  }
});

function refuse(text) {
  byId("wrong").hidden = false;
  setText(byId("wrong"), text);
  byId("token").select();
}

// Whoever came by a link from elsewhere may be signed in all the same: only the link hid the cookie.
if (document.referrer && new URL(document.referrer).origin !== location.origin) {
  const me = await fetch("/v1/operator/me").catch(() => null);
  if (me?.ok) location.replace("/");
}

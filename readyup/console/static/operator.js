// What operators have on every page: who they are, and buttons for what their role may do.
// Each button asks before it acts, and says what came of it.

import { byId, el, setData, setText } from "./dom.js";
import { ask } from "./ask.js";

const BASE = "/v1/operator";
const BODY = { "Content-Type": "application/json" };
const PATIENCE_MS = 10_000;

let me = null;
const waiting = [];

async function load() {
  const answer = await fetch(`${BASE}/me`, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  if (answer?.status === 401) location.replace("/login");
  if (!answer?.ok) return;
  me = await answer.json();
  drawWho();
  for (const draw of waiting) draw();
}

export async function checkSignIn() {
  const answer = me?.login ? await fetch(`${BASE}/me`).catch(() => null) : null;
  if (answer?.status === 401) location.replace("/login");
}

// Whether whoever looks may do that; nothing until it is known who that is.
export function may(operation) {
  return Boolean(me?.may.includes(operation));
}

// A button: `spec` says what it does, and may be given anew by `setDeed`.
export function makeDeed() {
  const button = el("button", "deed");
  button.type = "button";
  button.hidden = true;
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    const { question, note, label, grave, form } = button.spec;
    ask({ question, note, label, grave, fields: form?.fields(), act: (reason) => act(button.spec, reason) });
  });
  waiting.push(() => show(button));
  return button;
}

// {operation, path, label, question, note, grave, form, done}; null takes the button away. A form
// has the fields that are asked for besides, and what they add to the address and to the body.
// `done` is called when it was done.
export function setDeed(button, spec) {
  button.spec = spec;
  show(button);
}

function show(button) {
  const spec = button.spec;
  button.hidden = !spec || !may(spec.operation);
  if (button.hidden) return;
  setText(button, spec.label);
  setData(button, "grave", Boolean(spec.grave));
}

export function pauseDeed(kind, name, paused) {
  const path = `/${kind}s/${encodeURIComponent(name)}`;
  const Kind = kind === "queue" ? "Queue" : "Fleet";
  if (paused) {
    return { operation: `resume${Kind}`, path: `${path}/resume`, label: "Resume", question: `Resume ${kind} ${name}?`, note: kind === "queue" ? "Tickets that wait are matched again at once." : "Matches in line get rooms first." };
  }
  const note = kind === "queue"
    ? "No new match is proposed. Tickets wait, and matches under way go on."
    : "No room is handed out. Matches wait in line, and what is played goes on.";
  return { operation: `pause${Kind}`, path: `${path}/pause`, label: "Pause", question: `Pause ${kind} ${name}?`, note };
}

export function pausedWords(paused) {
  return paused ? `paused by ${paused.by || "somebody"}${paused.reason ? `: ${paused.reason}` : ""}` : "";
}

async function act({ path, form, done }, reason) {
  const wrong = await change(path + (form?.address() ?? ""), { reason, ...form?.body() });
  if (!wrong) done?.();
  return wrong;
}

async function change(path, body) {
  try {
    const answer = await fetch(BASE + path, {
      method: "POST",
      headers: BODY,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.ok) return "";
    if (answer.status === 401) location.replace("/login");
    return (await answer.json()).detail;
  } catch {
    return "The console does not answer; whether it was done is not known. Look, and try again.";
  }
}

function drawWho() {
  const node = byId("who");
  node.hidden = false;
  const audit = el("a", "", "audit");
  audit.href = "/audit";
  if (!me.login) return node.replaceChildren(audit);
  const out = el("button", "deed", "Sign out");
  out.type = "button";
  out.addEventListener("click", async () => {
    await change("/logout", {});
    location.replace("/login");
  });
  node.replaceChildren(el("b", "", me.name), el("span", "", me.role), audit, me.may.includes("signOut") ? out : "");
}

load();

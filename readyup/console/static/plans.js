// Sizes that are known beforehand: what is announced for a fleet, and the form to announce one.

import { byId, el, keep, setText } from "./dom.js";
import { count } from "./format.js";
import { makeDeed, may, setDeed } from "./operator.js";
import { panel } from "./parts.js";

const AGAIN_MS = 3000;
const PATIENCE_MS = 5000;
const AGAIN = { "": "", day: ", every day", week: ", every week" };
const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

let plans = null; // until they are known
let heard = -Infinity;
let announce = null;

// `heeded`: whether the fleet is sized by forecast, so that somebody listens.
export function drawPlans(fleet, heeded) {
  const base = `/fleets/${encodeURIComponent(fleet)}/plans`;
  if (!may("listPlans")) return;
  if (performance.now() - heard > AGAIN_MS) load(base);
  if (!plans) return;
  announce ??= makeAnnounce(base);
  setDeed(announce, heeded ? announce.offer : null);
  if (!heeded && plans.length === 0) return (byId("announced-panel").hidden = true);
  panel("announced", plans.length === 0);
  byId("announced").parentElement.hidden = plans.length === 0;
  keep(byId("announced"), plans, { key: ({ name }) => name, make: makeRow, update: (row, plan) => fill(row, plan, base) });
}

async function load(base) {
  heard = performance.now();
  const answer = await fetch(`/v1/operator${base}`, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  if (answer?.ok) plans = (await answer.json()).plans;
}

function anew() {
  heard = -Infinity;
}

function makeRow() {
  const row = el("tr");
  row.append(el("th"), el("td"), el("td"), el("td"), el("td", "row-deeds"));
  row.firstElementChild.scope = "row";
  row.deed = makeDeed();
  row.lastElementChild.append(el("span"), row.deed);
  return row;
}

function fill(row, { name, at, servers, for_s, every, reason, fixed }, base) {
  const [from, many, lasting, why, deeds] = row.children;
  setText(from, when.format(new Date(at)));
  setText(many, count(servers));
  setText(lasting, span(for_s) + AGAIN[every]);
  setText(why, reason);
  setText(deeds.firstElementChild, fixed ? "in the settings" : "");
  setDeed(row.deed, fixed ? null : {
    operation: "unplanFleet",
    path: `${base}/${encodeURIComponent(name)}/remove`,
    label: "Take back",
    question: `Take back ${count(servers)} servers from ${when.format(new Date(at))}?`,
    note: "The forecast alone decides from then on; what is in use is never ended.",
    done: anew,
  });
}

function makeAnnounce(base) {
  const button = makeDeed();
  byId("announced-deeds").append(button);
  button.offer = {
    operation: "planFleet",
    path: base,
    label: "Announce a size",
    question: "Announce a size",
    note: "At least so many servers, those in use included, for a while; they are started ahead of the time.",
    form: makeForm(),
    done: anew,
  };
  return button;
}

function makeForm() {
  const servers = field("input", "Servers, at least", { type: "number", min: 1, max: 10_000, required: true });
  const at = field("input", "From (empty: now)", { type: "datetime-local" });
  const hours = field("input", "For, in hours", { type: "number", min: 0.25, max: 720, step: 0.25, value: 2, required: true });
  const every = field("select", "Again", {});
  every.input.append(new Option("never", ""), new Option("every day", "day"), new Option("every week", "week"));
  let name = "";
  return {
    fields: () => {
      // Whoever sends it again, as no answer came, announces it once.
      name = [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return [servers, at, hours, every].flatMap(({ label, input }) => [label, input]);
    },
    address: () => `/${name}`,
    body: () => ({
      servers: Number(servers.input.value),
      at: at.input.value ? new Date(at.input.value).toISOString() : null,
      for_s: Number(hours.input.value) * 3600,
      every: every.input.value,
    }),
  };
}

function field(tag, text, having) {
  const input = Object.assign(el(tag), having);
  input.id = `plan-${text.split(/\W/)[0].toLowerCase()}`;
  const label = el("label", "", text);
  label.htmlFor = input.id;
  return { label, input };
}

function span(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${+(seconds / 3600).toFixed(1)} h` : `${+(seconds / 86_400).toFixed(1)} d`;
}

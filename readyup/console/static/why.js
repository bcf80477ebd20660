// Why a ticket waits: what keeps others away, what would release it and when, and who is nearest.

import { byId, el, keep, setText } from "./dom.js";
import { count, plural } from "./format.js";
import { brief, rows, ticketAt } from "./parts.js";

const AGAIN_MS = 3000; // an answer tries the future out, which is work
const PATIENCE_MS = 15_000;

let askedAt = -AGAIN_MS;
let waits = false;

export function drawWhy(page) {
  waits = page.status === "QUEUED";
  if (!waits) byId("why-panel").hidden = true;
  else if (performance.now() - askedAt >= AGAIN_MS) ask(page.ticket);
}

async function ask(ticket) {
  askedAt = Infinity; // one at a time
  try {
    const address = `/v1/operator/tickets/${encodeURIComponent(ticket)}/why`;
    const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) draw(await answer.json());
  } catch {
    // The page's own question says that the console does not answer.
  } finally {
    askedAt = performance.now();
  }
}

function draw(why) {
  byId("why-panel").hidden = !waits; // it may have been matched meanwhile
  setText(byId("why-sentence"), why.sentence);
  keep(byId("why-facts"), facts(why), {
    key: (fact) => fact.split(" ")[0],
    make: () => el("li"),
    update: (item, fact) => setText(item, fact),
  });
  rows("why-excluded", Object.entries(why.excluded), ([rule]) => rule, ([rule, tickets]) => [[rule], [count(tickets)]]);
  rows("why-nearest", why.nearest, (one) => one.ticket, (one) => [
    [brief(one.ticket), ticketAt(one.ticket)],
    [count(one.players)],
    [one.excluded_by.join(", ") || "nothing"],
    [opens(one)],
  ]);
}

function facts(why) {
  const { players_min: least, players_max: most, estimated_wait_s: estimate, release } = why;
  const players = least === most ? count(least) : `${count(least)} to ${count(most)}`;
  return [
    `waited ${why.waited_s.toFixed(1)} s for a match of ${players} players`,
    `${plural(why.compatible, "ticket")} of ${count(why.waiting)} could play with it now, `
      + `${plural(why.compatible_players, "player")} together`,
    release
      ? `released in ${release.in_s.toFixed(1)} s${release.because.length ? `, when ${release.because.join(" and ")}` : ""}`
      : "nothing that is known yet would release it: others must come",
    estimate
      ? `half of such tickets have a match within ${estimate.p50} s more${estimate.p90 === null ? "" : `, nine in ten within ${estimate.p90} s`}`
      : "",
  ].filter(Boolean);
}

function opens({ excluded_by: rules, opens_in_s: s }) {
  if (!rules.length) return "now";
  return s === null || s === undefined ? "never" : `in ${s.toFixed(1)} s`;
}

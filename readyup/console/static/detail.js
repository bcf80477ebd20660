// The page of one thing: asks for what its address names, again and again, and has it drawn.

import { drawAuditPage } from "./audit_page.js";
import { byId, setData, setText } from "./dom.js";
import { drawFleetPage } from "./fleet_page.js";
import { words } from "./format.js";
import { drawPromisesPage } from "./promises_page.js";
import { drawServerPage } from "./server_page.js";
import { drawMatchPage, drawTicketPage } from "./timeline_page.js";

const PAGES = {
  fleets: ["/console/fleet/", drawFleetPage],
  servers: ["/console/server/", drawServerPage],
  matches: ["/console/match/", drawMatchPage],
  tickets: ["/console/ticket/", drawTicketPage],
  promises: ["/console/promises", drawPromisesPage],
  audit: ["/v1/operator/audit?limit=200", drawAuditPage],
};
const AGAIN_MS = 1000;
const OVER_MS = 10_000; // what has ended changes no more, or nearly
const PATIENCE_MS = 5000;

const [, kind, name = ""] = location.pathname.split("/");
const [address, draw] = PAGES[kind];
let heard = 0;

async function ask() {
  let over = false;
  try {
    const answer = await fetch(address + name, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const body = await answer.json();
    if (answer.ok) {
      over = draw(body);
      tell("live", "");
      byId("page").hidden = false;
      heard = performance.now();
    } else if (answer.status === 401) {
      location.replace("/login");
    } else if (answer.status === 404) {
      tell("lost", body.detail, "not here");
      over = true;
    } else {
      tell("stale", `${body.detail} Trying again.`);
    }
  } catch {
    const ago = heard ? ` This is how it was ${words(performance.now() - heard)} ago.` : "";
    tell("lost", `The console does not answer.${ago} Trying again.`);
  }
  setTimeout(next, over ? OVER_MS : AGAIN_MS);
}

function next() {
  if (document.hidden) document.addEventListener("visibilitychange", ask, { once: true });
  else ask();
}

function tell(state, text, word = state) {
  setData(byId("status"), "state", state);
  setText(byId("status"), word);
  const banner = byId("banner");
  banner.hidden = !text;
  setText(banner, text);
  setData(byId("page"), "stale", Boolean(text));
}

ask();

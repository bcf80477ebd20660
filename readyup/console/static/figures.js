// The numbers at the top, and whether the promises were kept.

import { byId, el, setText } from "./dom.js";
import { count, duration, plural, rate } from "./format.js";

const cells = new Map();
for (const node of byId("figures").querySelectorAll("[data-figure]")) {
  const unit = el("small");
  const value = el("span", "", "–");
  node.replaceChildren(value, unit);
  cells.set(node.dataset.figure, [value, unit]);
}

function show(name, value, unit = "") {
  const [valueNode, unitNode] = cells.get(name);
  setText(valueNode, value);
  setText(unitNode, unit);
}

export function drawFigures({ totals }) {
  show("waiting", count(totals.players_waiting));
  show("playing", count(totals.players_playing));
  show("matches", rate(totals.matches_per_min));
  show("wait50", ...duration(totals.wait_ms_p50));
  show("wait95", ...duration(totals.wait_ms_p95));
  show("place50", ...duration(totals.place_ms_p50));
}

export function drawPromises({ promises }) {
  const node = byId("promises");
  node.hidden = !promises;
  if (!promises) return;
  const broken = promises.breaches + promises.lost + promises.leaked;
  node.dataset.kept = broken === 0;
  setText(node, `${plural(broken, "broken promise")} in ${plural(promises.events, "event")}`);
  node.title =
    `invariants breached: ${count(promises.breaches)} · lost tickets: ${count(promises.lost)} · ` +
    `leaked rooms: ${count(promises.leaked)}`;
}

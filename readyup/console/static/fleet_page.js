// One fleet: how many servers it should have, why, and how that came about.

import { byId, setText } from "./dom.js";
import { count, plural } from "./format.js";
import { ago, facts, title } from "./parts.js";
import { drawPlans } from "./plans.js";
import { drawSizes } from "./size_chart.js";

const MODES = { act: "sized by forecast", recommend: "recommends only" };

export function drawFleetPage(page) {
  const { decision, wanted } = page;
  title(
    "fleet",
    page.name,
    decision ? MODES[decision.mode] : "sized by its settings",
    decision?.mode === "act" ? "claimed" : "ready",
  );
  facts([
    ["servers wanted", wanted === null ? "" : count(wanted)],
    ["in use", decision ? count(decision.in_use) : ""],
    ["in line", page.in_line ? plural(page.in_line, "match", "matches") : ""],
    ["reserve", decision ? plural(decision.reserve_target, "room") : ""],
    ["Ready behind it", decision ? plural(decision.ready_target, "server") : ""],
    ["lead time", decision ? `${decision.lead_s} s` : ""],
    ["refill time", decision ? `${decision.refill_s} s` : ""],
    ["half of all sessions last", decision?.session_s_p50 ? `${decision.session_s_p50} s` : ""],
    ["decided", decision ? ago(page.now_ms - decision.t) : ""],
  ]);
  setText(byId("sizes-why"), decision?.mode === "recommend" ? `${page.why}. It would be: ${decision.why}` : page.why);
  drawSizes(page.series);
  drawPlans(page.name, decision?.mode === "act");
  return false;
}

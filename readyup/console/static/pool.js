// The warm pool of a fleet as one bar: its rooms, by how soon they can be played in.

import { el, setText } from "./dom.js";
import { count, words } from "./format.js";

const STEPS = [
  ["playing", "playing", "a match holds it"],
  ["claimed", "claimed", "in the reserve, handed out in about a millisecond"],
  ["ready", "ready", "its server is up and becomes claimed in the background"],
  ["starting", "starting", "cold: its server is still starting"],
  ["leaving", "leaving", "being retired"],
];

export function makePool() {
  const node = el("div", "pool");
  const bar = el("div", "pool-bar");
  const legend = el("ul", "pool-legend");
  for (const [step, name, meaning] of STEPS) {
    const part = el("i");
    part.dataset.step = step;
    bar.append(part);
    const item = el("li");
    item.dataset.step = step;
    item.title = meaning;
    item.append(el("b"), ` ${name}`);
    legend.append(item);
  }
  bar.setAttribute("role", "img");
  const plan = el("li", "plan");
  plan.append(el("a"));
  legend.append(el("li", "line-up"), plan);
  node.append(bar, legend);
  return node;
}

export function drawPool(node, { name, pool, replicas, why }) {
  const [bar, legend] = node.children;
  STEPS.forEach(([step], n) => {
    bar.children[n].style.flexGrow = pool[step];
    setText(legend.children[n].firstElementChild, count(pool[step]));
    legend.children[n].hidden = step === "leaving" && !pool.leaving;
  });
  bar.setAttribute(
    "aria-label",
    `Rooms: ${STEPS.map(([step, name]) => `${pool[step]} ${name}`).join(", ")}`,
  );
  const [line, plan] = [legend.children[STEPS.length], legend.children[STEPS.length + 1]];
  line.hidden = !pool.in_line;
  setText(line, `${count(pool.in_line)} in line for ${words(pool.line_ms)}`);
  plan.hidden = replicas === null;
  plan.firstElementChild.href = `/fleets/${encodeURIComponent(name)}`;
  setText(plan.firstElementChild, replicas === null ? "" : `wanted: ${count(replicas)}`);
  plan.title = why;
}

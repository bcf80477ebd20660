// How good a queue's recent matches were, what its rules had given up for them, and how long a
// newcomer will wait.

import { el, setText } from "./dom.js";
import { plural, words } from "./format.js";

const BINS = 10;

// `deeds` are the queue's buttons, which stand at the end of its first lines.
export function makeGoodness(deeds) {
  const node = el("div", "goodness");
  const bars = el("div", "quality");
  bars.setAttribute("role", "img");
  for (let n = 0; n < BINS; n += 1) bars.append(el("i"));
  node.append(bars, el("p"), el("p"), el("p", "relaxed"), deeds);
  return node;
}

export function drawGoodness(node, { goodness, estimate_s_p50: half, estimate_s_p90: most }) {
  const [bars, quality, estimate, relaxed] = node.children;
  bars.hidden = quality.hidden = !goodness;
  if (goodness) drawQuality(bars, quality, goodness);
  estimate.hidden = half === null;
  if (half !== null) {
    const rarely = most === null ? "" : `, p90 ${words(most * 1000)}`;
    setText(estimate, `newcomers wait p50 ${words(half * 1000)}${rarely}`);
  }
  relaxed.hidden = !goodness?.relaxed.length;
  if (!relaxed.hidden) {
    const told = goodness.relaxed.map(({ what, to, matches }) => `${what} ${to} in ${matches}`);
    setText(relaxed, `relaxed: ${told.join(" · ")}`);
    relaxed.title = relaxed.textContent;
  }
}

function drawQuality(bars, text, { matches, counts, p10, p50, p90 }) {
  const most = Math.max(...counts);
  counts.forEach((count, n) => {
    bars.children[n].style.height = `${count ? Math.max(12, (count / most) * 100) : 4}%`;
    bars.children[n].dataset.any = count > 0;
  });
  const figures = `p10 ${p10.toFixed(2)}, p50 ${p50.toFixed(2)}, p90 ${p90.toFixed(2)}`;
  bars.setAttribute("aria-label", `quality from 0 to 1 of ${plural(matches, "match", "matches")}: ${figures}`);
  bars.title = counts.map((count, n) => `${(n / BINS).toFixed(1)}: ${count}`).join("\n");
  setText(text, `quality p50 ${p50.toFixed(2)}, p10 ${p10.toFixed(2)}`);
}

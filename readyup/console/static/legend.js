// A chart's legend: each line's colour and label, and its value under the pointer, or the last one.

import { el, setText } from "./dom.js";

// A line has a label, the name of its colour, and `show`, which puts a value into words. Without
// a label its value stands beside that of the line before it, as faint as the line.
export function makeLegend(node, lines) {
  node.replaceChildren(...lines.map(item));
}

export function tellLegend(node, lines, { cursor, data }) {
  const [times, ...columns] = data;
  const at = cursor.idx ?? times.length - 1;
  lines.forEach(({ show }, n) => {
    const value = columns[n][at];
    setText(node.children[n].lastElementChild, value == null ? "–" : show(value));
  });
}

function item({ label, name, alpha = 1 }) {
  const node = el("span", "legend-item");
  if (label) {
    const mark = el("i");
    mark.dataset.colour = name;
    node.append(mark, `${label} `);
  }
  const value = el("b");
  value.style.opacity = Math.min(1, alpha + 0.2);
  node.append(value);
  return node;
}

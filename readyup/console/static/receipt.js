// A match's receipt: by which rules, how good and in what, out of whom, and why just then.

import { byId, el, keep, setText } from "./dom.js";
import { count, plural } from "./format.js";

const WHY = {
  allowed: () => "It was made as soon as the rules allowed it.",
  waited: (receipt) => `Its players had waited ${seconds(receipt.waited_s)} on average; `
    + `for this quality the dial asks for ${seconds(receipt.bar_s)}.`,
  thin: (receipt) => `Its players had waited ${seconds(receipt.waited_s)} of the ${seconds(receipt.bar_s)} `
    + `that the dial asks for; too few others came to wait for.`,
};

export function drawReceipt(receipt) {
  byId("receipt-panel").hidden = !receipt;
  if (!receipt) return;
  const { quality = 1, because = "allowed", terms = {}, in_force: inForce = [] } = receipt;
  setText(byId("receipt-why"), `Quality ${quality.toFixed(2)}. ${WHY[because](receipt)}`);
  keep(byId("receipt-terms"), Object.entries(terms), {
    key: ([name]) => name,
    make: ([name]) => {
      const row = el("tr");
      const head = el("th", "", name);
      head.scope = "row";
      row.append(head, el("td"));
      return row;
    },
    update: (row, [, value]) => setText(row.lastElementChild, value.toFixed(2)),
  });
  byId("receipt-terms").parentElement.hidden = Object.keys(terms).length === 0;
  const better = receipt.better ?? 0;
  const facts = [
    `${count(receipt.candidates ?? 0)} of ${count(receipt.waiting ?? 0)} waiting tickets could play with its oldest`,
    `${plural(receipt.found ?? 1, "match", "matches")} in the same pass, ${count(better)} of them better`,
    ...inForce,
    `rules ${receipt.name ? `${receipt.name}, ` : ""}version ${receipt.rules}`,
  ];
  keep(byId("receipt-facts"), facts, {
    key: (fact) => fact,
    make: (fact) => el("li", "", fact),
    update: () => {},
  });
}

function seconds(value = 0) {
  return `${value.toFixed(1)} s`;
}

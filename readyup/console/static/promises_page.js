// The promises: how many were broken, which and by what, and what was judged to say so.

import { byId, el, keep, setText } from "./dom.js";
import { count } from "./format.js";
import { facts, link, matchAt, panel, rows, title } from "./parts.js";

const ID = /^[a-z0-9-]+\.[0-9a-f]{32}$/;

export function drawPromisesPage({ promises, whole, broken, judged }) {
  if (!promises) {
    title("console", "Promises", "not judged", "leaving", "this console was started without its check");
    return true;
  }
  const sum = promises.breaches + promises.lost + promises.leaked;
  const kept = sum === 0;
  title("console", "Promises", kept ? "kept" : "broken", kept ? "claimed" : "failed");
  facts([
    ["events judged", count(promises.events)],
    ["invariants breached", count(promises.breaches)],
    ["lost tickets", count(promises.lost)],
    ["leaked rooms", count(promises.leaked)],
  ]);
  panel("broken", kept);
  keep(byId("broken"), broken, {
    key: (one) => `${one.promise} ${one.detail}`,
    make: (one) => {
      const item = el("li");
      item.append(el("b", "", one.promise), el("span", "", one.detail), ways(one.ids));
      return item;
    },
    update: () => {},
  });
  setText(
    byId("judged-note"),
    whole ? "since the first event" : "what began before this console listened is followed, not judged",
  );
  rows("judged", Object.entries(judged), ([promise]) => promise, ([promise, times]) => [[promise], [count(times)]]);
  return false;
}

// A breach names matches and tickets alike; the page of a match says when there is none.
function ways(ids) {
  const node = el("span", "ids");
  for (const id of ids.filter((name) => ID.test(name))) {
    for (const [what, address] of [["as a match", matchAt(id)], ["as a ticket", matchAt(id).replace("/matches/", "/tickets/")]]) {
      const way = el("span");
      link(way, `…${id.slice(-8)} ${what}`, address);
      node.append(way);
    }
  }
  return node;
}

// What the pages of one thing are made of: a title, facts, links, a panel that may be empty.

import { byId, el, keep, setData, setText } from "./dom.js";
import { makeDeed, setDeed } from "./operator.js";

export function title(what, name, chip, state, subtitle = "") {
  setText(byId("what"), what);
  setText(byId("title"), name);
  setText(byId("chip"), chip);
  byId("chip").hidden = !chip;
  setData(byId("chip"), "state", state);
  setText(byId("subtitle"), subtitle);
  document.title = `${name} · ReadyUp`;
}

// Pairs of a name and a text, or a name and a link as [text, address]; empty ones are left out.
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value && value[0]);
  keep(byId("facts"), told, {
    key: ([name]) => name,
    make: ([name]) => {
      const node = el("div");
      node.append(el("dt", "", name), el("dd"));
      return node;
    },
    update: (node, [, value]) => {
      const cell = node.lastElementChild;
      if (typeof value === "string") setText(cell, value);
      else link(cell, value[0], value[1]);
    },
  });
}

// Makes `node` hold one link; without an address, plain text.
export function link(node, text, address) {
  const now = node.firstElementChild;
  if (now?.tagName === "A" && now.getAttribute("href") === address) {
    setText(now, text);
  } else if (!address) {
    setText(node, text);
  } else {
    const made = el("a", "", text);
    made.href = address;
    node.replaceChildren(made);
  }
}

export function matchAt(id) {
  return `/matches/${encodeURIComponent(id)}`;
}

export function ticketAt(id) {
  return `/tickets/${encodeURIComponent(id)}`;
}

export function serverAt(server) {
  return server?.uid ? `/servers/${encodeURIComponent(server.uid)}` : "";
}

// An id as people say it: its queue and its last eight characters.
export function brief(id) {
  const dot = id.lastIndexOf(".");
  return dot < 0 ? id : `${id.slice(0, dot)} …${id.slice(-8)}`;
}

// Shows a panel; its list or its word for an empty one.
export function panel(name, empty = false) {
  byId(`${name}-panel`).hidden = false;
  const word = document.getElementById(`${name}-empty`);
  if (word) word.hidden = !empty;
}

export function rows(name, items, key, cells) {
  panel(name, items.length === 0);
  const body = byId(name);
  body.parentElement.hidden = items.length === 0;
  keep(body, items, {
    key,
    make: (item) => {
      const row = el("tr");
      cells(item).forEach((_, n) => {
        const cell = el(n ? "td" : "th");
        if (!n) cell.scope = "row";
        row.append(cell);
      });
      return row;
    },
    update: (row, item) => {
      cells(item).forEach(([text, address = ""], n) => link(row.children[n], text, address));
    },
  });
}

// The buttons of the thing that the page is about; one for each spec, null for none.
export function deeds(specs) {
  const node = byId("deeds");
  specs.forEach((spec, n) => {
    if (!node.children[n]) node.append(makeDeed());
    setDeed(node.children[n], spec);
  });
}

export function ago(ms) {
  if (ms < 1000) return "now";
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  return `${Math.floor(s / 3600)} h ago`;
}

export function span(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 100) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  return s < 7200 ? `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s` : `${(s / 3600).toFixed(1)} h`;
}

// The question before an act: what it does, why (for the audit), and what went wrong if it did.

import { el, setData, setText } from "./dom.js";

const parts = build();
let act = null;

export function ask({ question, note, label, grave, fields = [], act: then }) {
  act = then;
  setText(parts.question, question);
  setText(parts.note, note);
  setText(parts.yes, label);
  setData(parts.yes, "grave", Boolean(grave));
  parts.fields.replaceChildren(...fields);
  parts.fields.hidden = fields.length === 0;
  parts.reason.value = "";
  parts.wrong.hidden = true;
  parts.yes.disabled = false;
  parts.dialog.showModal();
}

async function go(event) {
  event.preventDefault();
  parts.yes.disabled = true;
  const wrong = await act(parts.reason.value.trim());
  parts.yes.disabled = false;
  parts.wrong.hidden = !wrong;
  setText(parts.wrong, wrong);
  if (!wrong) parts.dialog.close();
}

function build() {
  const dialog = el("dialog", "ask");
  const form = el("form");
  const question = el("h2");
  question.id = "ask-question";
  dialog.setAttribute("aria-labelledby", question.id);
  const note = el("p");
  const fields = el("div", "ask-fields");
  const label = el("label", "", "Why? For the audit; may be left out.");
  const reason = el("input");
  reason.id = "ask-reason";
  reason.maxLength = 200;
  reason.autocomplete = "off";
  label.htmlFor = reason.id;
  const wrong = el("p", "wrong");
  wrong.setAttribute("role", "alert");
  const buttons = el("div", "deeds");
  const no = el("button", "deed", "Leave it");
  no.type = "button";
  const yes = el("button", "deed");
  yes.type = "submit";
  buttons.append(no, yes);
  form.append(question, note, fields, label, reason, wrong, buttons);
  form.addEventListener("submit", go);
  no.addEventListener("click", () => dialog.close());
  dialog.append(form);
  document.body.append(dialog);
  return { dialog, question, note, fields, reason, wrong, yes };
}

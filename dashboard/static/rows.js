// The stream: the newest rows first, no more than a page takes; what is not shown is counted.

import { clock, count, element, money } from "./text.js";
import { show } from "./detail.js";

const KEPT = 100;
const body = document.getElementById("rows");
const more = document.getElementById("more");
const pause = document.getElementById("pause");

let paused = false;
let held = []; // what came while it was paused, the oldest first
let unseen = { legit: 0, fraud: 0, "dead-letter": 0 };

export function take(batch) {
  if (batch.fresh) {
    body.replaceChildren();
    held = [];
    unseen = { legit: 0, fraud: 0, "dead-letter": 0 };
  }
  for (const branch of Object.keys(unseen)) unseen[branch] += batch.more[branch];
  if (paused) {
    held.push(...batch.rows);
    for (const row of held.splice(0, Math.max(0, held.length - KEPT))) unseen[row.branch] += 1;
  } else {
    put(batch.rows);
  }
  tell();
}

function put(rows) {
  for (const row of rows) body.prepend(line(row));
  while (body.childElementCount > KEPT) body.lastElementChild.remove();
}

function line(row) {
  const made = element("tr", null, row.branch);
  const open = element("button", row.branch);
  open.type = "button";
  made.addEventListener("click", () => show(row));
  const outcome = element("td");
  outcome.append(open);
  const why = row.reasons.map((one) => `${one.rule}: ${one.message}`).join("; ");
  made.append(
    element("td", clock(row.at_ms)),
    outcome,
    element("td", row.amount === null ? "-" : `${money(row.amount)} ${row.currency}`),
    element("td", row.source ?? "-"),
    element("td", row.target ?? "-"),
    element("td", why),
  );
  return made;
}

function tell() {
  const parts = Object.entries(unseen).filter(([, number]) => number > 0).map(([branch, number]) => `${count(number)} ${branch}`);
  const hidden = parts.length > 0 ? `${parts.join(", ")} more, not shown` : "";
  more.textContent = paused ? `paused, ${count(held.length)} held back${hidden ? `; ${hidden}` : ""}` : hidden;
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on" : "Pause";
  if (!paused) {
    put(held);
    held = [];
  }
  tell();
});

// Topics, the groups that read them, and what stands in a partition.

import { count, element, rate, terms } from "./text.js";

const find = (id) => document.getElementById(id);
const told = find("topics-told");
const dialog = find("topic");

export async function list() {
  const [topics, groups] = await Promise.all([ask("/api/topics"), ask("/api/groups")]);
  told.textContent = topics.problem ?? groups.problem ?? "";
  find("topics").replaceChildren(...(topics.found ?? []).map(topicLine));
  find("groups").replaceChildren(...(groups.found ?? []).map(groupLine));
}

async function ask(path) {
  const answer = await fetch(path).catch(() => null);
  const found = await answer?.json().catch(() => null);
  if (answer?.ok) return { found };
  return { problem: typeof found?.detail === "string" ? found.detail : "the dashboard does not answer" };
}

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

function topicLine(topic) {
  const made = element("tr");
  const open = element("button", topic.name);
  open.type = "button";
  open.addEventListener("click", () => show(topic));
  const cell = element("td");
  cell.append(open);
  made.append(cell, element("td", count(topic.partitions.length)), element("td", count(sum(topic.partitions.map((one) => one.end - one.begin)))), element("td", size(topic.bytes)), element("td", kept(topic)));
  return made;
}

function size(bytes) {
  if (bytes === null) return "-";
  const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  return `${rate(bytes / 1024 ** power)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

function kept(topic) {
  if (String(topic.cleanup).includes("compact")) return "the last of each key";
  const hours = Number(topic.retention_ms) / 3_600_000;
  if (!(hours > 0)) return "-";
  return hours >= 48 ? `${Math.round(hours / 24)} days` : `${Math.round(hours * 10) / 10} hours`;
}

function groupLine(group) {
  const made = element("tr");
  const places = group.partitions.map((one) => `${one.partition}: ${count(one.committed)}, lag ${count(one.lag)}`).join("; ");
  made.append(element("td", group.group), element("td", group.topic), element("td", count(group.members)), element("td", count(sum(group.partitions.map((one) => one.lag)))), element("td", places));
  return made;
}

function show(topic) {
  find("topic-title").textContent = topic.name;
  find("topic-form").dataset.name = topic.name;
  find("topic-partition").replaceChildren(...topic.partitions.map((one) => {
    const option = element("option", `${one.partition}: ${count(one.begin)} to ${count(one.end)}`);
    option.value = one.partition;
    return option;
  }));
  find("topic-from").value = "";
  find("topic-since").value = "";
  if (!dialog.open) dialog.showModal();
  read();
}

async function read() {
  const from = find("topic-from").value.trim();
  const path = `/api/topics/${encodeURIComponent(find("topic-form").dataset.name)}/${find("topic-partition").value}`;
  find("topic-body").replaceChildren(element("p", "reading"));
  const since = find("topic-since").value;
  const asked = new URLSearchParams();
  if (from !== "") asked.set("from", from);
  else if (since !== "") asked.set("since_ms", Date.parse(`${since}Z`));
  const { found, problem } = await ask(`${path}?${asked}`);
  const made = (found ?? []).toReversed().map(message);
  find("topic-body").replaceChildren(...(made.length > 0 ? made : [element("p", problem ?? "nothing stands there")]));
}

function message(one) {
  const made = element("section");
  const members = [["Offset", count(one.offset)], ["Time", one.time], ["Key", one.key ?? "none"], ...one.headers.map(([name, value]) => [name, value ?? "none"])];
  made.append(terms(members), element("pre", one.value));
  return made;
}

find("topic-form").addEventListener("submit", (event) => {
  if (event.submitter?.id !== "topic-read") return;
  event.preventDefault();
  read();
});

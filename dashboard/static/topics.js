// Topics, the groups that read them, and what stands in a partition.

import { ask, cell, count, element, labelled, laidOut, moment, opening, rate, terms } from "./text.js";

const find = (id) => document.getElementById(id);
const told = find("topics-told");
const dialog = find("topic");

export async function list() {
  const [topics, groups] = await Promise.all([ask("/api/topics"), ask("/api/groups")]);
  told.textContent = topics.problem ?? groups.problem ?? "";
  find("topics").replaceChildren(...labelled(find("topics"), (topics.found ?? []).map(topicLine)));
  find("groups").replaceChildren(...labelled(find("groups"), (groups.found ?? []).map(groupLine)));
}

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

function topicLine(topic) {
  const made = opening(topic.name, () => show(topic));
  made.append(cell(count(topic.partitions.length), "number"), cell(count(sum(topic.partitions.map((one) => one.end - one.begin))), "number"), cell(size(topic.bytes), "number"), cell(kept(topic)));
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
  const places = element("ul", null, "places");
  for (const one of group.partitions) places.append(element("li", `${one.partition}: ${count(one.committed)}, lag ${count(one.lag)}`));
  const members = element("ul", null, "places");
  for (const one of group.members) members.append(element("li", one.host ? `${one.client} at ${one.host}` : one.client));
  made.append(cell(group.group), cell(group.topic), cell(group.members.length > 0 ? members : "none"), cell(count(sum(group.partitions.map((one) => one.lag))), "number"), cell(places));
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
  const members = [["Offset", String(one.offset)], ["Time", `${moment(one.time)} UTC`], ["Key", one.key ?? "none"], ...one.headers.map(([name, value]) => [name, value ?? "none"])];
  made.append(terms(members), element("pre", laidOut(one.value) ?? one.value));
  return made;
}

find("topic-form").addEventListener("submit", (event) => {
  if (event.submitter?.id !== "topic-read") return;
  event.preventDefault();
  read();
});

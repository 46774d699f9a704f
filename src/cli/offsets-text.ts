import type { InFlightView, OffsetsView, PartitionOffsetsView } from "../api/scheduler-port.ts";
import { formatAge } from "./age.ts";
import { formatTable } from "./table.ts";

/** `brigade offsets` for people. */
export function offsetsText(view: OffsetsView): string {
  const { processor, topic, group, phase, reason, waiting, partitions } = view;
  const lines = [`${processor} reads ${topic} as group ${group}: ${phase}${reason === null ? "" : `, ${reason}`}`];
  for (const { count, reason } of waiting) lines.push(`${count} waiting: ${reason}`);
  const head = `${lines.join("\n")}\n`;
  if (partitions.length === 0) return `${head}\nNo partition is assigned to it.\n`;
  return head + partitions.map((partition) => `\n${partitionText(partition)}`).join("");
}

function partitionText(view: PartitionOffsetsView): string {
  const { partition, committed, end, lag, position, notRead } = view;
  const lines = [
    `Partition ${partition}: committed ${committed ?? "nothing yet"}, end ${end}, lag ${lag ?? "unknown"}`,
    `  watermark  ${watermarkText(view)}`,
    `  above it   ${aboveText(view)}`,
    `  read to    ${position}${notRead === null ? "" : `; not read on: ${notRead}`}`,
    `  in flight  ${view.inFlight}`,
  ];
  return `${lines.join("\n")}\n${inFlightTable(view)}`;
}

function watermarkText({ watermark, oldest, uncommitted }: PartitionOffsetsView): string {
  const [holder] = oldest;
  if (holder?.offset === watermark) {
    return `${watermark}, held for ${formatAge(holder.forMs)} by a record that is ${holder.state}`;
  }
  return uncommitted > 0 ? `${watermark}, with the next commit` : `${watermark}, not held`;
}

function aboveText({ settledAbove: { records, runs, firstRuns }, uncommitted }: PartitionOffsetsView): string {
  const parts = firstRuns.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  if (runs > firstRuns.length) parts.push(`and ${runs - firstRuns.length} more runs`);
  const settled = records === 0 ? "nothing settled" : `${records} settled: ${parts.join(" ")}`;
  return uncommitted === 0 ? settled : `${settled}; ${uncommitted} wait for a commit`;
}

function inFlightTable({ oldest, inFlight }: PartitionOffsetsView): string {
  if (oldest.length === 0) return "";
  const head = ["OFFSET", "STATE", "FAILED", "FOR", "TASK", "AGENT", "WHY"];
  const rows = oldest.flatMap((record) => {
    const { offset, state, attempts, forMs, tasks } = record;
    const [first, ...others] = tasks;
    const row = [offset, state, attempts, formatAge(forMs), first?.taskId ?? "", first?.agent ?? "", whyText(record)];
    const more = others.map(({ state, forMs, taskId, agent }) => {
      return [offset, state, attempts, formatAge(forMs), taskId, agent ?? "", "another task"];
    });
    return [row, ...more];
  });
  const table = formatTable(head, rows).replaceAll(/^(?=.)/gm, "    ");
  return inFlight > oldest.length ? `${table}    and ${inFlight - oldest.length} more\n` : table;
}

function whyText({ behind, retryInMs, waitsFor, lastTrouble }: InFlightView): string {
  if (behind !== null) return `behind ${behind}`;
  if (waitsFor !== null) return `until ${waitsFor.taskId} on ${waitsFor.agent ?? "?"} is known to be dead`;
  const again = retryInMs === null ? "" : `again in ${formatAge(retryInMs)}`;
  const after = lastTrouble === null ? "" : `after ${lastTrouble}`;
  return [again, after].filter((part) => part !== "").join(" ");
}

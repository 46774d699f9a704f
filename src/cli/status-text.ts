import type { ProcessorView, SchedulerView } from "../api/scheduler-port.ts";
import { formatDuration } from "../base/duration.ts";
import { formatProblem } from "../config/problem.ts";
import { formatTable } from "./table.ts";

const holdReasons: Readonly<Record<SchedulerView["held"][number]["reason"], string>> = {
  unreadable: "PROCESSOR_DIR cannot be read",
  "broken-file": "a file there has mistakes",
  "all-gone": "all definitions are gone at once",
  "first-poll": "the next poll decides",
};

/** `brigade status` for people. */
export function statusText(view: SchedulerView): string {
  const { version, deployment, uptimeMs, directory, processors, problems, held } = view;
  const up = formatDuration(Math.floor(uptimeMs / 1000) * 1000);
  const parts = [`brigade ${version}, deployment ${deployment}, up ${up}\n`];
  if (!directory.readable) parts.push(`${directory.path} cannot be read\n`);
  parts.push(processors.length === 0 ? "\nNo processors.\n" : `\n${processorTable(processors)}`);
  parts.push(section("Why", processors.flatMap(reasonsOf)));
  parts.push(
    section(
      "Without definition, running on (brigade processors remove NAME | --all)",
      held.map(({ name, reason }) => `${name}: ${holdReasons[reason]}`),
    ),
  );
  parts.push(section("Problems in processor files", problems.map(formatProblem)));
  return parts.join("");
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `\n${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function processorTable(processors: readonly ProcessorView[]): string {
  const head = ["NAME", "PHASE", "TOPICS", "IN", "OUT", "ERRORS", "FAILED", "OPEN", "LAG", "P50 ms", "P99 ms", "1/s"];
  return formatTable(
    head,
    processors.map((processor) => {
      const { name, phase, input, output, counters, inFlight, latency, ratePerS } = processor;
      const { recordsIn, recordsOut, errors, failedAttempts } = counters;
      return [
        ...[name, phase, `${input} > ${output ?? "-"}`, recordsIn, recordsOut, errors, failedAttempts, inFlight],
        ...[lagOf(processor), rounded(latency.p50Ms), rounded(latency.p99Ms), Math.round(ratePerS)],
      ];
    }),
  );
}

/** Of all partitions; unknown as long as one of them is. */
function lagOf({ partitions }: ProcessorView): number | string {
  let sum = 0;
  for (const { lag } of partitions) {
    if (lag === null) return "-";
    sum += lag;
  }
  return partitions.length === 0 ? "-" : sum;
}

function rounded(ms: number | null): number | string {
  return ms === null ? "-" : Math.round(ms);
}

function reasonsOf({ name, reason, framework, phase, waiting }: ProcessorView): readonly string[] {
  const disconnected = phase === "running" && !framework.connected ? ["not connected to the Mesos master"] : [];
  const waits = waiting.map(({ reason, count }) => `${count} waiting: ${reason}`);
  return [...(reason === null ? [] : [reason]), ...disconnected, ...waits].map((line) => `${name}: ${line}`);
}

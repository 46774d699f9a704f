import type { ChaosResult } from "./chaos.ts";
import type { Account, Violation } from "./evidence.ts";

/** So many of them are shown. */
const SHOWN_VIOLATIONS = 10;

export function violationsOf({ kafka, accounts }: ChaosResult): readonly Violation[] {
  return [...kafka.violations, ...accounts.flatMap(({ violations }) => violations)];
}

/** For people. */
export function formatReport(result: ChaosResult): string {
  const { options, faults, kafka, accounts } = result;
  const struck = [...faults.values()].reduce((sum, count) => sum + count, 0);
  const lines = [
    `Target ${options.target}, seed ${options.seed}: ${struck} faults`,
    ...[...faults]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([kind, count]) => `  ${String(count).padStart(4)} × ${kind}`),
    `${kafka.acknowledged} records acknowledged by Kafka, ${kafka.violations.length} of them lost or doubled`,
    "",
    ...table(["", ...accounts.map(({ processor }) => processor)], rowsOf(accounts)),
    "",
    ...accounts.flatMap(({ processor, violations }) => violations.map((one) => formatViolation(processor, one))),
    ...kafka.violations.map((one) => formatViolation("kafka", one)),
  ];
  const violations = violationsOf(result).length;
  const shown = lines.slice(0, lines.length - Math.max(0, violations - SHOWN_VIOLATIONS));
  return [...shown, violations === 0 ? "Every promise was kept." : `${violations} promises were broken.`, ""].join(
    "\n",
  );
}

function formatViolation(who: string, { rule, record, what }: Violation): string {
  return `BROKEN (${rule}) ${who} ${record}: ${what}`;
}

function rowsOf(accounts: readonly Account[]): readonly (readonly string[])[] {
  const row = (label: string, value: (account: Account) => number | string): readonly string[] => [
    label,
    ...accounts.map((account) => String(value(account))),
  ];
  return [
    row("inputs", ({ counts }) => counts.inputs),
    row("starts", ({ counts }) => counts.starts),
    row("  after a failed run (retry)", ({ counts }) => counts.retries),
    row("    whose attempts were counted anew", ({ counts }) => counts.attemptsForgotten),
    row("  after a run that was lost, or worse", ({ counts }) => counts.secondStarts),
    row("runs lost, as logged", ({ counts }) => counts.lossesLogged),
    row("brigade_reruns_total", ({ reruns }) => formatReruns(reruns)),
    row("outputs", ({ counts }) => counts.outputs),
    row("error records", ({ counts }) => counts.errors),
    row("  of both, repeated", ({ counts }) => counts.repeatedResults),
    row("deaths of the scheduler", ({ counts }) => counts.deaths),
    row("  runs that went on without it", ({ counts }) => counts.aliveAtDeath),
    row("  ended, not committed", ({ counts }) => counts.endedNotCommitted),
    row("  sent, not committed", ({ counts }) => counts.sentNotCommitted),
  ];
}

function formatReruns(reruns: Account["reruns"]): string {
  const parts = Object.entries(reruns).map(([reason, count]) => `${reason} ${count}`);
  return parts.length === 0 ? "0" : parts.join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  "),
  );
}

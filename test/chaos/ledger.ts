import type { Definition } from "../support/e2e/world.ts";

/*
 * The ledger: a file outside of Brigade that every program appends a line to when it starts, and another before it ends.
 * The test appends its faults. Each line is one write to the end of the file, so that the order of the lines is the order
 * in which things happened, whichever process wrote them.
 *
 *     start <processor> <record id> <attempt> <run> <seconds since the machine started>
 *     end   <processor> <record id> <exit code> <run> <seconds …>
 *     death <number>                                  a scheduler was killed; see observation.ts
 *     fault <what was done>
 */

/** What becomes of a record is written in its value: `<id> <fate> <seconds>`. */
export type Fate =
  | "succeed"
  /** Exits 4 in its first attempt. */
  | "fail-once"
  /** Exits 3 each time. */
  | "fail";

/** Of Kafka's record, as in BRIGADE_RECORD_ID: `<topic>/<partition>/<offset>`. */
export type RecordId = string;

export type LedgerLine =
  | {
      readonly type: "start";
      readonly processor: string;
      readonly record: RecordId;
      readonly attempt: number;
      readonly run: string;
    }
  | {
      readonly type: "end";
      readonly processor: string;
      readonly record: RecordId;
      readonly code: number;
      readonly run: string;
    }
  | { readonly type: "death"; readonly death: number }
  | { readonly type: "fault"; readonly text: string };

/** A process id comes again some day; with the executor that started it it names a run. */
const RUN = "$BRIGADE_OWNER.$$";

const SCRIPT = `
read -r now _ < /proc/uptime
echo "start $BRIGADE_PROCESSOR $BRIGADE_RECORD_ID $BRIGADE_ATTEMPT ${RUN} $now" >> "$LEDGER"
read -r id fate seconds
[ "$seconds" = 0 ] || sleep "$seconds"
code=0
case "$fate $BRIGADE_ATTEMPT" in "fail "*) code=3;; "fail-once 1") code=4;; esac
[ "$code" != 0 ] || echo "$BRIGADE_RECORD_ID ${RUN} $id"
read -r now _ < /proc/uptime
echo "end $BRIGADE_PROCESSOR $BRIGADE_RECORD_ID $code ${RUN} $now" >> "$LEDGER"
exit "$code"
`;

/** A processor whose program keeps the ledger. Its output is `<record id> <run> <id>`. */
export function ledgerProcessor(
  name: string,
  ledger: string,
  topics: { readonly input: string; readonly output: string; readonly error: string },
  ordering: "none" | "key",
): Definition {
  return {
    name,
    input: topics.input,
    output: topics.output,
    error: { topic: topics.error, value: "input" },
    command: SCRIPT,
    env: [`LEDGER=${ledger}`],
    ordering,
    concurrency: 24,
    cpus: 0.1,
    mem: 16,
    executor: { cpus: 0.1, mem: 32 },
    retry: { attempts: 3, backoff: "100ms", "max-backoff": "1s" },
    "unreachable-timeout": "1s",
  };
}

/** @throws on a line that nobody writes: two writes ran into each other, or one was torn */
export function parseLedger(text: string): readonly LedgerLine[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
}

function parseLine(line: string): LedgerLine {
  const [type, processor = "", record = "", number = "", run = ""] = line.split(" ");
  if (type === "fault") return { type, text: line.slice("fault ".length) };
  if (type === "death" && isNumber(processor)) return { type, death: Number(processor) };
  if (type === "start" && isNumber(number)) return { type, processor, record, attempt: Number(number), run };
  if (type === "end" && isNumber(number)) return { type, processor, record, code: Number(number), run };
  throw new Error(`Cannot read the ledger's line: ${line}`);
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

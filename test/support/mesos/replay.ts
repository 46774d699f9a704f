import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { type RecordedLine, readRecording } from "../mesos-recordings.ts";
import { VirtualMesos, type VirtualMesosOptions } from "./virtual-mesos.ts";

/*
 * Replays what scheduler and executors said in a recorded conversation to the embedded master and agent, at the times
 * of the recording but under a virtual clock, and collects what differs in the answers.
 */

export interface ReplayOptions extends VirtualMesosOptions {
  /** When the recorded master's first allocation round was seen, ms; its rounds took 1001.1 ms. */
  readonly firstRoundMs?: number;
  /** Replays only what came before. */
  readonly untilMs?: number;
  /** Executors whose exit no note tells of: it is known by its FAILURE alone. */
  readonly silentExits?: readonly string[];
}

/** How late an answer may be by the virtual clock, whose rounds do not drift just as the recorded ones did. */
const TOLERANCE_MS = 150;

/** Offers come by the master's own rhythm: their place among other events is free. */
type Lane = "offers" | "others";

interface Connection {
  readonly received: Readonly<Record<Lane, unknown[]>>;
  closed: (() => void) | undefined;
  /** By the server. */
  ended: boolean;
  status: number | undefined;
  body: string;
}

/** What differs, as text for people; empty where the embedded Mesos answers as the recorded one did. */
export async function replay(name: string, options: ReplayOptions = {}): Promise<string[]> {
  return new Replay(name, options).run();
}

class Replay {
  readonly #mesos: VirtualMesos;
  readonly #lines: readonly RecordedLine[];
  readonly #connections = new Map<string, Connection>();
  /** Recorded ids to those that stand for them here. */
  readonly #ids = new Map<string, string>();
  readonly #startMs: number;
  readonly #problems: string[] = [];
  readonly #silentExits: readonly string[];

  constructor(
    name: string,
    { firstRoundMs = 0, untilMs = Number.POSITIVE_INFINITY, silentExits = [], ...options }: ReplayOptions,
  ) {
    this.#silentExits = silentExits;
    this.#mesos = new VirtualMesos({ allocationIntervalMs: 1001.1, ...options });
    this.#lines = readRecording(name).lines.filter(({ t }) => t < untilMs);
    // Its first round comes one interval after it has started.
    this.#startMs = this.#mesos.clock.monotonicMs() + 1001.1 - firstRoundMs;
  }

  async run(): Promise<string[]> {
    for (const line of this.#lines) {
      await this.#moveTo(this.#startMs + line.t);
      if (line.kind === "request") await this.#request(line);
      else if (line.kind === "event") await this.#expectEvent(line);
      else if (line.kind === "response-head") this.#expectHead(line);
      else if (line.kind === "response-body") this.#expectBody(line);
      else if (line.kind === "close") this.#close(line);
      else if (line.kind === "note") this.#note(line);
    }
    this.#expectNothingMore();
    return this.#problems;
  }

  async #moveTo(ms: number): Promise<void> {
    const waitMs = ms - this.#mesos.clock.monotonicMs();
    if (waitMs > 0) this.#mesos.clock.advance(waitMs);
    await this.#mesos.settle();
  }

  async #request(line: RecordedLine): Promise<void> {
    const text = this.#own(typeof line.body === "string" ? line.body : JSON.stringify(line.body ?? ""));
    const headers = Object.entries(line.headers ?? {}).map(
      ([name, value]) => [name.toLowerCase(), this.#own(value)] as const,
    );
    const request: HttpRequest = {
      method: line.method ?? "POST",
      path: line.path ?? "",
      query: new URLSearchParams(),
      headers: new Map(headers),
      body: new TextEncoder().encode(text),
      keepAlive: true,
    };
    const connection: Connection = {
      received: { offers: [], others: [] },
      closed: undefined,
      ended: false,
      status: undefined,
      body: "",
    };
    this.#connections.set(line.conn, connection);
    const answer = this.#mesos.handle(request);
    if (answer.type === "plain") {
      connection.status = answer.status;
      connection.body = new TextDecoder().decode(answer.body);
    } else {
      connection.status = 200;
      connection.closed = answer.closed;
      const streamId = answer.headers["Mesos-Stream-Id"];
      const recorded = this.#lines.find(({ conn, kind }) => conn === line.conn && kind === "response-head");
      const recordedId = recorded?.headers?.["Mesos-Stream-Id"];
      if (streamId !== undefined && recordedId !== undefined) this.#ids.set(recordedId, streamId);
      answer.open({
        write: (chunk) => {
          const record = new TextDecoder().decode(chunk);
          const event = JSON.parse(record.slice(record.indexOf("\n") + 1)) as { readonly type: string };
          if (event.type !== "HEARTBEAT") connection.received[laneOf(event)].push(event);
        },
        end: () => {
          connection.ended = true;
        },
      });
    }
    await this.#mesos.settle();
  }

  async #expectEvent(line: RecordedLine): Promise<void> {
    const connection = this.#connections.get(line.conn);
    const recorded = line.body as { readonly type: string };
    if (connection === undefined || recorded.type === "HEARTBEAT") return;
    if (recorded.type === "FAILURE") this.#exitSilently(recorded);
    const lane = connection.received[laneOf(recorded)];
    for (let waited = 0; lane.length === 0 && waited < TOLERANCE_MS; waited++) {
      this.#mesos.clock.advance(1);
      await this.#mesos.settle();
    }
    const own = lane.shift();
    this.#learn(recorded, own);
    const [expected, received] = [comparable(JSON.parse(this.#own(JSON.stringify(recorded)))), comparable(own)];
    if (JSON.stringify(expected) === JSON.stringify(received)) return;
    this.#problem(line, `expected ${JSON.stringify(expected)}\n      received ${JSON.stringify(received)}`);
  }

  #expectHead(line: RecordedLine): void {
    const { status } = this.#connections.get(line.conn) ?? {};
    if (status !== line.status) this.#problem(line, `expected status ${line.status}, received ${status}`);
  }

  #expectBody(line: RecordedLine): void {
    const { body } = this.#connections.get(line.conn) ?? {};
    const expected = this.#own(String(line.body));
    if (body !== expected) this.#problem(line, `expected "${expected}", received "${body}"`);
  }

  #close(line: RecordedLine): void {
    const connection = this.#connections.get(line.conn);
    if (line.dir === ">") {
      connection?.closed?.();
      this.#connections.delete(line.conn);
    } else if (connection?.ended === false && line.how === "last chunk")
      this.#problem(line, "the stream has not ended");
  }

  /** The only thing that an executor does without a call: it exits. */
  #note(line: RecordedLine): void {
    const code = /^executor exits with (\w+)/.exec((line as { text?: string }).text ?? "")?.[1];
    if (code === undefined) return;
    const subscribe = this.#lines.find(({ conn, kind }) => conn === line.conn && kind === "request");
    const { executor_id, framework_id } = (subscribe?.body ?? {}) as Record<
      string,
      { readonly value: string } | undefined
    >;
    const container = this.#mesos.launched.findLast(
      ({ executor, frameworkId }) =>
        executor.executorId === executor_id?.value && frameworkId === this.#own(framework_id?.value ?? ""),
    );
    if (container !== undefined) this.#mesos.exit(container.containerId, code === "KILL" ? 9 : Number(code) << 8);
  }

  #exitSilently(recorded: unknown): void {
    const { failure } = recorded as { failure: { executor_id?: { value: string }; status?: number } };
    const executorId = failure.executor_id?.value ?? "";
    if (!this.#silentExits.includes(executorId)) return;
    const container = this.#mesos.launched.findLast(({ executor }) => executor.executorId === executorId);
    if (container !== undefined) this.#mesos.exit(container.containerId, failure.status ?? 0);
  }

  #expectNothingMore(): void {
    for (const [conn, { received }] of this.#connections) {
      for (const event of [...received.offers, ...received.others]) {
        this.#problems.push(`${conn}: not expected ${JSON.stringify(event)}`);
      }
    }
  }

  /** Ids differ from run to run: where a recorded event first shows one, its place tells which of ours it is. */
  #learn(recorded: unknown, own: unknown): void {
    if (typeof recorded !== "object" || recorded === null || typeof own !== "object" || own === null) return;
    const [a, b] = [recorded as Record<string, unknown>, own as Record<string, unknown>];
    for (const [name, value] of Object.entries(a)) {
      const other = b[name];
      if (typeof value !== "string" || typeof other !== "string") this.#learn(value, other);
      else if (name === "uuid" || /^[0-9a-f]{8}-[0-9a-f-]{27}/.test(value)) this.#ids.set(value, other);
    }
  }

  #own(text: string): string {
    let result = text;
    for (const [recorded, own] of [...this.#ids].sort(([a], [b]) => b.length - a.length)) {
      result = result.replaceAll(recorded, own);
    }
    return result;
  }

  #problem(line: RecordedLine, text: string): void {
    this.#problems.push(`${line.t} ms, ${line.conn}: ${text}`);
  }
}

function laneOf({ type }: { readonly type: string }): Lane {
  return type === "OFFERS" ? "offers" : "others";
}

/** Resources and attributes in order of their names; everything else stays in its order. */
function nameOf(value: unknown): string {
  return typeof value === "object" && value !== null && "name" in value ? String(value.name) : "";
}

/** Without what differs by nature: times, addresses, pids, the uuids that an agent makes. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const agentMade = (value as { source?: string }).source === "SOURCE_AGENT";
  const entries = Object.entries(value)
    .filter(([name]) => !["timestamp", "master_info", "address", "port", "executor_pid"].includes(name))
    .filter(([name]) => !(agentMade && name === "uuid"))
    .map(([name, part]) => [name, comparable(part)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

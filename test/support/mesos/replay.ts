import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executorEnvironment } from "../../../src/local/mesos/containers/environment.ts";
import { sandboxPath } from "../../../src/local/mesos/containers/sandbox.ts";
import type { HttpAnswer } from "../../../src/local/mesos/http/answer.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { decodeMessage, encodeMessage } from "../../../src/mesos/codec.ts";
import { type RecordedLine, readRecording } from "../mesos-recordings.ts";
import { comparable } from "./comparable.ts";
import { RecordedIds } from "./recorded-ids.ts";
import { RecordedMachine, type RecordedMachineOptions } from "./recorded-machine.ts";
import { VirtualMesos, type VirtualMesosOptions } from "./virtual-mesos.ts";

/*
 * Replays what schedulers, executors and operators said in a recorded conversation to the embedded master and agent, at
 * the times of the recording but under a virtual clock, and collects what differs in the answers.
 */

/** What happened to the recorded daemons, at a time of the recording. */
type Happening =
  | "agent killed"
  | "agent started"
  | "agent wiped"
  | "agent leaves"
  | "master killed"
  | "master replaced"
  | "master found";

export interface ReplayOptions extends VirtualMesosOptions, RecordedMachineOptions {
  /** When the recorded master's first allocation round was seen, ms; its rounds took 1001.1 ms. */
  readonly firstRoundMs?: number;
  /** When the agent registered, ms; default: with the master's start. */
  readonly agentAtMs?: number;
  /** Connections that were not answered, or are here answered otherwise for a reason that is written down: left out. */
  readonly leftOut?: readonly string[];
  readonly happenings?: readonly (readonly [atMs: number, what: Happening])[];
  /** Calls that took the recorded daemon so long to act on, ms. */
  readonly late?: Readonly<Record<string, number>>;
  /** Updates that come from the agent may overtake, and be overtaken by, what the master itself says. */
  readonly agentUpdatesApart?: boolean;
}

const ROUND_MS = 1001.1;
/** How late an answer may be by the virtual clock, whose rounds do not drift just as the recorded ones did. */
const TOLERANCE_MS = 150;

/** Offers come by the master's own rhythm: their place among other events is free. */
type Lane = "offers" | "heartbeats" | "agent" | "others";

interface Connection {
  readonly received: Record<Lane, unknown[]>;
  readonly answer: HttpAnswer;
  closed: (() => void) | undefined;
  /** By the server. */
  ended: boolean;
}

type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** What differs, as text for people; empty where the embedded Mesos answers as the recorded one did. */
export async function replay(name: string, options: ReplayOptions = {}): Promise<string[]> {
  const workDir = mkdtempSync(join(tmpdir(), "brigade-replay-"));
  try {
    return await new Replay(name, { ...options, workDir }).run();
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

class Replay {
  readonly #mesos: VirtualMesos;
  readonly #options: ReplayOptions;
  readonly #lines: readonly RecordedLine[];
  readonly #connections = new Map<string, Connection>();
  readonly #ids: RecordedIds;
  readonly #machine: RecordedMachine;
  readonly #startMs: number;
  readonly #problems: string[] = [];
  readonly #happenings: (readonly [atMs: number, what: Happening])[];
  readonly #agentHost: string | undefined;

  constructor(name: string, { firstRoundMs = 0, agentAtMs, ...options }: ReplayOptions & { readonly workDir: string }) {
    const { lines } = readRecording(name);
    this.#options = options;
    this.#lines = lines.filter(({ conn }) => options.leftOut?.includes(conn) !== true);
    this.#ids = new RecordedIds(options.workDir);
    this.#happenings = [...(options.happenings ?? [])];
    const withoutAgent = agentAtMs !== undefined;
    this.#machine = new RecordedMachine(options, { lines: this.#lines, ids: this.#ids, mesos: () => this.#mesos });
    const problem: VirtualMesosOptions["problem"] = (container) => this.#machine.launchProblem(container);
    this.#mesos = new VirtualMesos({ allocationIntervalMs: ROUND_MS, ...options, problem, withoutAgent });
    // Its first round comes one interval after it has started; it has to have started before its agent.
    const early = agentAtMs === undefined ? 1 : Math.max(1, Math.ceil((firstRoundMs - agentAtMs) / ROUND_MS));
    this.#startMs = this.#mesos.clock.monotonicMs() + early * ROUND_MS - firstRoundMs;
    if (agentAtMs !== undefined) {
      this.#mesos.clock.advance(this.#startMs + agentAtMs - this.#mesos.clock.monotonicMs());
      this.#mesos.startAgent();
    }
    this.#agentHost = agentHost(JSON.stringify(lines));
  }

  async run(): Promise<string[]> {
    for (const line of this.#inOrder()) {
      for (let next = this.#happenings[0]; next !== undefined && next[0] <= line.t; next = this.#happenings[0]) {
        this.#happenings.shift();
        await this.#moveTo(this.#startMs + next[0]);
        this.#happen(next[1]);
      }
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

  /** Requests stand where they were acted on: an operator's just before its answer, as it is written down first. */
  #inOrder(): readonly RecordedLine[] {
    const heads = new Map(this.#lines.filter(({ kind }) => kind === "response-head").map((line) => [line.conn, line]));
    const moved = this.#lines.map((line) => {
      if (line.kind !== "request") return line;
      const late = this.#options.late?.[line.conn];
      if (late !== undefined) return { ...line, t: line.t + late };
      const head = line.path === "/api/v1" ? heads.get(line.conn) : undefined;
      return head === undefined ? line : { ...line, t: Math.max(line.t, head.t - 1) };
    });
    return moved.sort((a, b) => a.t - b.t);
  }

  async #moveTo(ms: number): Promise<void> {
    const waitMs = ms - this.#mesos.clock.monotonicMs();
    if (waitMs > 0) this.#mesos.clock.advance(waitMs);
    await this.#settle();
  }

  async #settle(): Promise<void> {
    // What one turn sets off may want another.
    for (let i = 0; i < 3; i++) await this.#mesos.settle();
  }

  #happen(what: Happening): void {
    const mesos = this.#mesos;
    switch (what) {
      case "agent killed":
        return mesos.killAgent();
      case "agent started":
        return mesos.startAgent();
      case "agent wiped":
        return mesos.wipeAgent();
      case "agent leaves":
        return mesos.leaveAgent();
      case "master killed":
        return mesos.killMaster();
      case "master replaced":
        return mesos.replaceMaster();
      case "master found":
        return mesos.findMaster();
    }
  }

  async #request(line: RecordedLine): Promise<void> {
    this.#machine.write(line);
    const body = this.#requestBody(line);
    const headers = Object.entries(line.headers ?? {}).map(
      ([name, value]) => [name.toLowerCase(), this.#ids.translate(value)] as const,
    );
    const [path = "", query = ""] = this.#ids.translate(line.path ?? "").split("?", 2);
    const request: HttpRequest = {
      method: line.method ?? "POST",
      path,
      query: new URLSearchParams(query),
      headers: new Map(headers),
      body,
      keepAlive: true,
    };
    const answer = this.#handle(request, line);
    const connection: Connection = {
      received: { offers: [], heartbeats: [], agent: [], others: [] },
      answer,
      closed: undefined,
      ended: false,
    };
    this.#connections.set(line.conn, connection);
    if (answer.type === "stream") {
      connection.closed = answer.closed;
      const recorded = this.#lines.find(({ conn, kind }) => conn === line.conn && kind === "response-head");
      const [theirs, ours] = [recorded?.headers?.["Mesos-Stream-Id"], answer.headers["Mesos-Stream-Id"]];
      if (theirs !== undefined && ours !== undefined) this.#ids.set(theirs, ours);
      const name = path.endsWith("/executor") ? "mesos.v1.executor.Event" : "mesos.v1.scheduler.Event";
      answer.open({
        write: (chunk) => {
          const event = this.#asJson(name, chunk.slice(chunk.indexOf(10) + 1), answer.headers["Content-Type"]);
          connection.received[this.#laneOf(event)].push(event);
        },
        end: () => {
          connection.ended = true;
        },
      });
    }
    await this.#settle();
  }

  #handle(request: HttpRequest, line: RecordedLine): HttpAnswer {
    const host = request.headers.get("host");
    if (request.path.includes("/executor") || (host !== undefined && host === this.#agentHost)) {
      return this.#mesos.handleAgent(request);
    }
    // Which of several masters was asked is known by its answer; only this one leads on.
    const head = this.#lines.find(({ conn, kind }) => conn === line.conn && kind === "response-head");
    return head?.status === 307 ? this.#mesos.handleStandby(request) : this.#mesos.handleMaster(request);
  }

  #requestBody(line: RecordedLine): Uint8Array {
    if (line.b64 !== undefined) {
      return this.#ids.translateProtobuf(new Uint8Array(Buffer.from(line.b64, "base64")));
    }
    const text = typeof line.body === "string" ? line.body : JSON.stringify(line.body ?? "");
    return new TextEncoder().encode(line.body === undefined ? "" : this.#ids.translate(text));
  }

  #asJson(name: string, bytes: Uint8Array, type: string | undefined): Message {
    if (type !== "application/x-protobuf") return JSON.parse(new TextDecoder().decode(bytes)) as Message;
    const json = encodeMessage(name, decodeMessage(name, bytes, type), "application/json", "client");
    return JSON.parse(new TextDecoder().decode(json)) as Message;
  }

  async #expectEvent(line: RecordedLine): Promise<void> {
    const connection = this.#connections.get(line.conn);
    const recorded = (line.decoded ?? line.body) as Message;
    if (connection === undefined) return;
    this.#machine.play(recorded);
    await this.#settle();
    const lane = connection.received[this.#laneOf(recorded)];
    for (let waited = 0; lane.length === 0 && waited < TOLERANCE_MS; waited++) {
      this.#mesos.clock.advance(1);
      await this.#settle();
    }
    const place = placeAmongEquals(lane, this.#ids.translateJson(recorded));
    const own = lane.splice(place, 1)[0];
    this.#ids.learn(recorded, own);
    this.#compare(line, this.#ids.translateJson(recorded), own);
  }

  #compare(line: RecordedLine, recorded: unknown, own: unknown): void {
    const [expected, received] = [JSON.stringify(comparable(recorded)), JSON.stringify(comparable(own))];
    if (expected !== received) this.#problem(line, `expected ${expected}\n      received ${received}`);
  }

  #expectHead(line: RecordedLine): void {
    const answer = this.#connections.get(line.conn)?.answer;
    if (answer === undefined) return;
    const status = answer.type === "plain" ? answer.status : 200;
    if (status !== line.status) {
      const text = answer.type === "plain" ? new TextDecoder().decode(answer.body) : "";
      this.#problem(line, `expected status ${line.status}, received ${status} ${text}`);
    }
    this.#compare(line, this.#headers(line.headers ?? {}), headersOf(answer));
  }

  /** All that Mesos itself decides; addresses become ours. */
  #headers(recorded: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const own = Object.entries(recorded)
      .filter(([name]) => name !== "Date" && name !== "Content-Length")
      .map(([name, value]) => [name, this.#ids.translate(value).replace(/^\/\/127\.0\.0\.1:\d+/, "//127.0.0.1:5050")]);
    return Object.fromEntries(own) as Record<string, string>;
  }

  #expectBody(line: RecordedLine): void {
    const answer = this.#connections.get(line.conn)?.answer;
    if (answer === undefined || answer.type === "stream") return;
    if (answer.type === "file") return;
    const text = new TextDecoder().decode(answer.body);
    const path = this.#lines.find(({ conn, kind }) => conn === line.conn && kind === "request")?.path;
    if (path === "/metrics/snapshot") return;
    if (answer.type === "plain" && answer.status >= 400 && typeof line.body !== "string") return;
    if (typeof line.body !== "string") {
      const own: unknown = JSON.parse(text);
      this.#ids.learn(line.body, own);
      this.#compare(line, this.#ids.translateJson(line.body), own);
    } else if (text !== this.#ids.translate(line.body)) {
      this.#problem(line, `expected "${this.#ids.translate(line.body)}", received "${text}"`);
    }
  }

  #close(line: RecordedLine): void {
    const connection = this.#connections.get(line.conn);
    if (line.dir === ">") {
      connection?.closed?.();
      this.#connections.delete(line.conn);
    } else if (connection?.ended === false && line.how === "last chunk" && connection.answer.type === "stream") {
      this.#problem(line, "the stream has not ended");
    }
  }

  #note(line: RecordedLine): void {
    const { text = "", env } = line as { text?: string; env?: Readonly<Record<string, string>> };
    if (env !== undefined) this.#compareEnvironment(line, env);
    const code = /^executor exits with (\w+)/.exec(text)?.[1];
    if (code !== undefined) this.#machine.exit(line.conn, code === "KILL" ? 9 : Number(code) << 8);
  }

  #compareEnvironment(line: RecordedLine, recorded: Readonly<Record<string, string>>): void {
    const frameworkId = this.#ids.translate(recorded["MESOS_FRAMEWORK_ID"] ?? "");
    const container = this.#mesos.launched.findLast(
      (each) => each.executor.executorId === recorded["MESOS_EXECUTOR_ID"] && each.frameworkId === frameworkId,
    );
    if (container === undefined) return this.#problem(line, "no such executor was started");
    const settings = this.#mesos.agentSettings;
    // That of an executor in a container is compared with the command line that ran it, in another test.
    if (container.executor.container?.type === "DOCKER") return;
    const owner = { frameworkId: container.frameworkId, executorId: container.executor.executorId };
    const sandbox = sandboxPath(settings.workDir, settings.id, owner, container.containerId);
    const { PATH: _, ...own } = executorEnvironment(container, settings, sandbox);
    this.#ids.learn(recorded, own);
    const translated = this.#ids.translateJson(recorded) as Record<string, string>;
    const address = `127.0.0.1:${settings.endpoint.port}`;
    const ports = ([name, value]: [string, string]): [string, string] => [
      name,
      value.replace(/127\.0\.0\.1:\d+/, address),
    ];
    this.#compare(line, Object.fromEntries(Object.entries(translated).map(ports)), own);
  }

  #laneOf(event: Message): Lane {
    if (event.type === "OFFERS" || event.type === "INVERSE_OFFERS") return "offers";
    if (event.type === "HEARTBEAT") return "heartbeats";
    if (this.#options.agentUpdatesApart !== true || event.type !== "UPDATE") return "others";
    const { status } = (event as unknown as { update: { status: { source: string } } }).update;
    return status.source === "SOURCE_MASTER" ? "others" : "agent";
  }

  #expectNothingMore(): void {
    for (const [conn, { received }] of this.#connections) {
      for (const event of Object.values(received).flat()) {
        this.#problems.push(`${conn}: not expected ${JSON.stringify(event)}`);
      }
    }
  }

  #problem(line: RecordedLine, text: string): void {
    this.#problems.push(`${line.t} ms, ${line.conn}: ${text}`);
  }
}

/** By an executor's environment, an agent's view of itself, or an offer. */
function agentHost(recording: string): string | undefined {
  const told = /"MESOS_AGENT_ENDPOINT":"([^"]+)"/.exec(recording) ?? /slave\(1\)@([\d.:]+)/.exec(recording);
  if (told !== null) return told[1];
  const [, ip, port] = /"url":{[^}]*"ip":"([\d.]+)","port":(\d+)/.exec(recording) ?? [];
  return ip === undefined ? undefined : `${ip}:${port}`;
}

/** Some events come in the order of a hash map: where in the run of such events the one of the same thing is. */
function placeAmongEquals(lane: readonly unknown[], recorded: unknown): number {
  const wanted = unorderedThing(recorded);
  if (wanted === undefined) return 0;
  const end = lane.findIndex((event) => unorderedThing(event) === undefined);
  const place = lane.slice(0, end < 0 ? undefined : end).findIndex((event) => unorderedThing(event) === wanted);
  return Math.max(0, place);
}

/** The task of an answer to implicit reconciliation, the offer of a RESCIND. */
function unorderedThing(event: unknown): string | undefined {
  const { update, rescind } = event as {
    update?: { status: { task_id: { value: string }; reason?: string } };
    rescind?: { offer_id: { value: string } };
  };
  if (rescind !== undefined) return `offer ${rescind.offer_id.value}`;
  return update?.status.reason === "REASON_RECONCILIATION" ? `task ${update.status.task_id.value}` : undefined;
}

/** What a connection makes of an answer, but for its length and its date. */
function headersOf(answer: HttpAnswer): Readonly<Record<string, string>> {
  return answer.type === "stream" ? { ...answer.headers, "Transfer-Encoding": "chunked" } : answer.headers;
}

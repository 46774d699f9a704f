import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandEnd } from "../../../src/local/mesos/built-in/signals.ts";
import type { ContainerEvent, ContainerLaunch } from "../../../src/local/mesos/containers/containerizer.ts";
import { executorEnvironment } from "../../../src/local/mesos/containers/environment.ts";
import { sandboxPath } from "../../../src/local/mesos/containers/sandbox.ts";
import type { HttpAnswer } from "../../../src/local/mesos/http/answer.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { decodeMessage, encodeMessage } from "../../../src/mesos/codec.ts";
import type { TaskId } from "../../../src/mesos/types.ts";
import { type RecordedLine, readRecording } from "../mesos-recordings.ts";
import { comparable } from "./comparable.ts";
import { RecordedIds } from "./recorded-ids.ts";
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

export interface ReplayOptions extends VirtualMesosOptions {
  /** When the recorded master's first allocation round was seen, ms; its rounds took 1001.1 ms. */
  readonly firstRoundMs?: number;
  /** When the agent registered, ms; default: with the master's start. */
  readonly agentAtMs?: number;
  /** Executors whose exit no note tells of: it is known by its FAILURE alone. */
  readonly silentExits?: readonly string[];
  /** Connections that were not answered, or are here answered otherwise for a reason that is written down: left out. */
  readonly leftOut?: readonly string[];
  /** What the recorded agent's machine had. */
  readonly presentFiles?: readonly string[];
  /** Executors that never come to be, since their image is being pulled. */
  readonly hangingLaunches?: readonly string[];
  readonly happenings?: readonly (readonly [atMs: number, what: Happening])[];
  /** Files of every sandbox, by name: their text. */
  readonly files?: Readonly<Record<string, string>>;
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

interface RecordedStatus {
  readonly task_id: { readonly value: string };
  readonly executor_id?: { readonly value: string };
  readonly state: string;
  readonly reason?: string;
  readonly message?: string;
  readonly data?: string;
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
    const problem: VirtualMesosOptions["problem"] = (container) => this.#launchProblem(container);
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
    this.#writeFor(line);
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
    if (recorded.type === "FAILURE") this.#exitSilently(recorded);
    if (recorded.type === "UPDATE") await this.#playCommand(recorded);
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
    if (code === undefined) return;
    const subscribe = this.#lines.find(({ conn, kind }) => conn === line.conn && kind === "request");
    const { executor_id, framework_id } = (subscribe?.decoded ?? subscribe?.body ?? {}) as Record<
      string,
      { readonly value: string } | undefined
    >;
    const container = this.#mesos.launched.findLast(
      ({ executor, frameworkId }) =>
        executor.executorId === executor_id?.value && frameworkId === this.#ids.translate(framework_id?.value ?? ""),
    );
    if (container !== undefined) this.#mesos.exit(container.containerId, code === "KILL" ? 9 : Number(code) << 8);
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

  #exitSilently(recorded: unknown): void {
    const { failure } = recorded as { failure: { executor_id?: { value: string }; status?: number } };
    const executorId = failure.executor_id?.value ?? "";
    if (this.#options.silentExits?.includes(executorId) !== true) return;
    const container = this.#mesos.launched.findLast(({ executor }) => executor.executorId === executorId);
    if (container !== undefined) this.#mesos.exit(container.containerId, failure.status ?? 0);
  }

  /** When a container of Docker's runs, and how a command ends, is known by what is said of it. */
  async #playCommand(recorded: unknown): Promise<void> {
    const { status } = (recorded as { update: { status: RecordedStatus } }).update;
    if (status.state === "TASK_RUNNING" && status.data !== undefined) {
      const data = new Uint8Array(Buffer.from(status.data, "base64"));
      if (this.#mesos.containers.startCommand(status.task_id.value as TaskId, data)) await this.#settle();
    }
    const [, code, signal] =
      /^(?:Command|Container) (?:exited with status (\d+)|terminated with signal (\w+))$/.exec(status.message ?? "") ??
      [];
    if (code === undefined && signal === undefined) return;
    const end: CommandEnd =
      code === undefined
        ? { type: "signalled", signal: signal === "Killed" ? "SIGKILL" : "SIGTERM" }
        : { type: "exited", code: Number(code) };
    this.#mesos.containers.endCommand(status.task_id.value as TaskId, end);
    await this.#settle();
  }

  /** What the recorded agent's machine lacked; and the files that its executors wrote. */
  #launchProblem({ containerId, frameworkId, executor }: ContainerLaunch): ContainerEvent | "hangs" | undefined {
    const { command, executorId } = executor;
    const { workDir, id } = this.#mesos.agentSettings;
    const sandbox = sandboxPath(workDir, id, { frameworkId, executorId }, containerId);
    if (command?.user === "nobody-at-all") {
      const why = `Failed to chown directory to '${command.user}': No such user '${command.user}'`;
      const message = `Failed to create executor directory '${sandbox}': ${why}`;
      return { type: "not-created", containerId, message };
    }
    const isThere = (path: string): boolean => this.#options.presentFiles?.includes(path) === true || existsSync(path);
    if ((command?.uris ?? []).some(({ value }) => !isThere(value))) {
      const message = `Failed to fetch all URIs for container '${containerId}': exited with status 1`;
      return { type: "launch-failed", containerId, message };
    }
    const message = this.#imageProblem(executorId);
    if (message !== undefined) return message === "hangs" ? "hangs" : { type: "launch-failed", containerId, message };
    const files = Object.entries(this.#options.files ?? {});
    mkdirSync(sandbox, { recursive: true });
    if (!existsSync(join(sandbox, "..", "latest"))) symlinkSync(sandbox, join(sandbox, "..", "latest"));
    for (const [name, text] of files) writeFileSync(join(sandbox, name), text);
    return undefined;
  }

  /** What Docker had to say of an image, which is known by what was said of the task. */
  #imageProblem(executorId: string): string | undefined {
    if (this.#options.hangingLaunches?.includes(executorId) === true) return "hangs";
    const prefix = "Failed to launch container: ";
    for (const { body } of this.#lines) {
      const status = ((body ?? {}) as { update?: { status: RecordedStatus } }).update?.status;
      const { task_id, executor_id = task_id, reason } = status ?? {};
      if (executor_id?.value !== executorId || reason !== "REASON_CONTAINER_LAUNCH_FAILED") continue;
      return status?.message?.slice(prefix.length);
    }
    return undefined;
  }

  /** What a program wrote is known by what is read of it: it stands there just before. */
  #writeFor({ conn, path = "" }: RecordedLine): void {
    const [, executorId, name = ""] = /\/files\/read\?.*\/executors\/([^/]+)\/runs\/latest\/(std\w+)&/.exec(path) ?? [];
    const container = this.#mesos.launched.findLast(({ executor }) => executor.executorId === executorId);
    if (container === undefined || name === "" || this.#options.files !== undefined) return;
    const answer = this.#lines.find((line) => line.conn === conn && line.kind === "response-body");
    const { data } = (answer?.body ?? {}) as { readonly data?: string };
    const { workDir, id } = this.#mesos.agentSettings;
    const owner = { frameworkId: container.frameworkId, executorId: container.executor.executorId };
    if (data === undefined) return;
    const sandbox = sandboxPath(workDir, id, owner, container.containerId);
    mkdirSync(sandbox, { recursive: true });
    writeFileSync(join(sandbox, name), this.#ids.translate(data));
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

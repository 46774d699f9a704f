import { decodeUtf8 } from "../../../src/base/bytes.ts";
import { assertNever } from "../../../src/base/errors.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { Agent, type AgentEvent } from "../../../src/local/mesos/agent/agent.ts";
import { type AgentFact, recall } from "../../../src/local/mesos/agent/agent-memory.ts";
import { routeAgent } from "../../../src/local/mesos/agent/agent-routes.ts";
import type { AgentCommand } from "../../../src/local/mesos/agent/agent-types.ts";
import { ExecutorEndpoint } from "../../../src/local/mesos/agent/executor-endpoint.ts";
import { agentAnswers } from "../../../src/local/mesos/agent/operator-answers.ts";
import type { HttpAnswer } from "../../../src/local/mesos/http/answer.ts";
import type { HttpRequest } from "../../../src/local/mesos/http/request-parser.ts";
import { Master, type MasterEvent } from "../../../src/local/mesos/master/master.ts";
import { routeMaster } from "../../../src/local/mesos/master/master-routes.ts";
import { defaultMasterSettings } from "../../../src/local/mesos/master/master-server.ts";
import type { MasterCommand } from "../../../src/local/mesos/master/master-state.ts";
import { masterAnswers } from "../../../src/local/mesos/master/operator-answers.ts";
import { SchedulerEndpoint } from "../../../src/local/mesos/master/scheduler-endpoint.ts";
import type { ContentType } from "../../../src/mesos/codec.ts";
import type { ContainerId } from "../../../src/mesos/types.ts";
import { agentSettings } from "./agent-settings.ts";

const masterQuestions = Object.keys(masterAnswers);
const agentQuestions = Object.keys(agentAnswers);
const masterPaths = ["/state", "/state-summary", "/slaves", "/frameworks", "/tasks", "/roles", "/metrics/snapshot"];
const agentPaths = ["/state", "/containers", "/monitor/statistics", "/metrics/snapshot", "/files/debug"];

/** A master and an agent whose every step is done when a call returns, with a framework that is subscribed. */
export class SyncMesos {
  readonly #random = seededRandom(1);
  readonly #master: Master;
  readonly #schedulers: SchedulerEndpoint;
  #agent: Agent;
  #executors: ExecutorEndpoint;
  readonly #facts: AgentFact[] = [];
  readonly #containers = new Set<ContainerId>();
  readonly #work: (() => void)[] = [];
  #working = false;
  #nowMs = 0;
  readonly #streamId: string = "";

  constructor() {
    const masterInfo = { id: "m", ip: 16_777_343, port: 5050, hostname: "127.0.0.1" };
    const all = { ...defaultMasterSettings, masterInfo, startedMs: 0 };
    this.#master = new Master(all, this.#random);
    this.#schedulers = new SchedulerEndpoint({
      random: this.#random,
      master: this.#master,
      credentials: undefined,
      onEvent: (event) => this.#toMaster(event),
    });
    this.#master.start(this.#now());
    [this.#agent, this.#executors] = this.#newAgent();
    this.#startAgent();
    const framework_info = this.frameworkInfo;
    const subscribe = { type: "SUBSCRIBE", subscribe: { framework_info: { ...framework_info, id: undefined } } };
    const answer = this.scheduler(new TextEncoder().encode(JSON.stringify(subscribe)), "application/json");
    this.#streamId = answer.headers["Mesos-Stream-Id"] ?? "";
  }

  get agentId(): string {
    return agentSettings.id;
  }

  get frameworkId(): string {
    return "m-0000";
  }

  get frameworkInfo(): object {
    const capabilities = ["MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE"].map((type) => ({ type }));
    const id = { value: this.frameworkId };
    return { id, user: "root", name: "f", roles: ["a", "b"], checkpoint: true, failover_timeout: 60, capabilities };
  }

  get offers(): readonly string[] {
    return [...this.#master.state.offers.keys()];
  }

  scheduler(body: Uint8Array, type: ContentType): HttpAnswer {
    return this.#open(this.#atMaster("POST", "/api/v1/scheduler", body, type));
  }

  executor(body: Uint8Array, type: ContentType): HttpAnswer {
    return this.#open(this.#atAgent("POST", "/slave(1)/api/v1/executor", body, type));
  }

  operator(body: Uint8Array, type: ContentType): HttpAnswer {
    return this.#open(this.#atMaster("POST", "/api/v1", body, type));
  }

  /** Whatever came over a connection, at its master or its agent. */
  request(request: HttpRequest, who: "master" | "agent"): HttpAnswer {
    return this.#open(who === "master" ? this.#routeMaster(request) : this.#routeAgent(request));
  }

  exitExecutors(): void {
    for (const containerId of this.#containers) this.#exit(containerId, 256);
  }

  /** The agent dies, and comes back with what it remembers. */
  loseAgent(): void {
    this.#toMaster({ type: "agent-disconnected", agentId: agentSettings.id });
    [this.#agent, this.#executors] = this.#newAgent();
    this.#startAgent();
  }

  pass(ms: number): void {
    const until = this.#nowMs + ms;
    for (;;) {
      const next = Math.min(this.#master.nextWakeMs ?? until, this.#agent.nextWakeMs ?? until);
      if (next >= until) break;
      this.#nowMs = Math.max(this.#nowMs, next);
      this.#wake();
    }
    this.#nowMs = until;
    this.#wake();
  }

  /** Whatever is shown can be shown. */
  lookAtEverything(): void {
    for (const path of masterPaths) expectStatus(200, this.#atMaster("GET", path));
    for (const path of agentPaths) expectStatus(200, this.#atAgent("GET", path));
    for (const type of ["application/json", "application/x-protobuf"] as const) {
      for (const question of masterQuestions) expectStatus(200, this.#ask(question, type, "master"));
      for (const question of agentQuestions) expectStatus(200, this.#ask(question, type, "agent"));
    }
  }

  #ask(question: string, type: ContentType, who: "master" | "agent"): HttpAnswer {
    const call = question === "GET_METRICS" ? { type: question, get_metrics: {} } : { type: question };
    const body = new TextEncoder().encode(JSON.stringify(call));
    const ask = (path: string): HttpAnswer =>
      who === "master"
        ? this.#atMaster("POST", path, body, "application/json", type)
        : this.#atAgent("POST", path, body, "application/json", type);
    return ask("/api/v1");
  }

  #atMaster(method: string, path: string, body?: Uint8Array, type?: ContentType, accept?: ContentType): HttpAnswer {
    return this.#routeMaster(this.#request(method, path, body, type, accept));
  }

  #routeMaster(request: HttpRequest): HttpAnswer {
    return routeMaster(request, this.#schedulers, {
      state: this.#master.state,
      refusal: (order) => this.#master.operatorRefusal(order),
      onOrder: (order) => this.#toMaster({ type: "operate", order }),
      wallMs: () => this.#nowMs,
    });
  }

  #atAgent(method: string, path: string, body?: Uint8Array, type?: ContentType, accept?: ContentType): HttpAnswer {
    return this.#routeAgent(this.#request(method, path, body, type, accept));
  }

  #routeAgent(request: HttpRequest): HttpAnswer {
    const options = { processName: "slave(1)", executors: this.#executors, state: this.#agent.state };
    return routeAgent(request, { ...options, wallMs: () => this.#nowMs });
  }

  #request(
    method: string,
    path: string,
    body: Uint8Array = new Uint8Array(),
    type?: ContentType,
    accept?: ContentType,
  ): HttpRequest {
    const headers = new Map<string, string>();
    if (type !== undefined) headers.set("content-type", type);
    if (accept !== undefined) headers.set("accept", accept);
    // Who subscribes has none.
    const subscribes = decodeUtf8(body)?.includes("SUBSCRIBE") === true;
    if (this.#streamId !== "" && !subscribes) headers.set("mesos-stream-id", this.#streamId);
    return { method, path, query: new URLSearchParams(), headers, body, keepAlive: true };
  }

  #open(answer: HttpAnswer): HttpAnswer {
    if (answer.type === "stream") answer.open({ write: () => undefined, end: () => undefined });
    return answer;
  }

  #newAgent(): [Agent, ExecutorEndpoint] {
    const agent = new Agent(agentSettings, this.#random);
    const executors = new ExecutorEndpoint({
      refusal: (frameworkId, executorId, type) => agent.refusal(frameworkId, executorId, type),
      onEvent: (event) => this.#toAgent(event),
    });
    return [agent, executors];
  }

  #startAgent(): void {
    const agent = this.#agent;
    this.#do(() => agent.start(recall(this.#facts), this.#now()).forEach((command) => this.#agentCommand(command)));
  }

  #wake(): void {
    this.#toMaster({ type: "wake" });
    this.#toAgent({ type: "wake" });
  }

  #toMaster(event: MasterEvent): void {
    this.#do(() => this.#master.step(event, this.#now()).forEach((command) => this.#masterCommand(command)));
  }

  #toAgent(event: AgentEvent): void {
    this.#do(() => this.#agent.step(event, this.#now()).forEach((command) => this.#agentCommand(command)));
  }

  #do(work: () => void): void {
    this.#work.push(work);
    if (this.#working) return;
    this.#working = true;
    try {
      for (let next = this.#work.shift(); next !== undefined; next = this.#work.shift()) next();
      if (this.#master.nextWakeMs === 0) {
        this.#working = false;
        this.#toMaster({ type: "wake" });
      }
    } finally {
      this.#working = false;
    }
  }

  #masterCommand(command: MasterCommand): void {
    switch (command.type) {
      case "send":
        return this.#schedulers.send(command.streamId, command.event);
      case "end":
        return this.#schedulers.end(command.streamId);
      case "order":
        return this.#toAgent({ type: "order", order: command.order });
      case "note":
        return;
      default:
        return assertNever(command);
    }
  }

  #agentCommand(command: AgentCommand): void {
    switch (command.type) {
      case "report":
        return this.#toMaster({ type: "agent", agentId: agentSettings.id, report: command.report });
      case "send":
        return this.#executors.send(command.streamId, command.event);
      case "end":
        return this.#executors.end(command.streamId);
      case "launch": {
        const { containerId } = command.container;
        this.#containers.add(containerId);
        return this.#toAgent({ type: "started", containerId, process: { pid: 7, startTime: "0" } });
      }
      case "adopt":
      case "resize":
        return;
      case "destroy":
        return this.#exit(command.containerId, 9);
      case "remember":
        this.#facts.push(command.fact);
        return;
      default:
        return assertNever(command);
    }
  }

  #exit(containerId: ContainerId, waitStatus: number): void {
    if (this.#containers.delete(containerId)) this.#toAgent({ type: "exited", containerId, waitStatus });
  }

  #now(): { readonly monotonicMs: number; readonly wallMs: number } {
    return { monotonicMs: this.#nowMs + 1, wallMs: this.#nowMs };
  }
}

function expectStatus(status: number, answer: HttpAnswer): void {
  if (answer.type === "plain" && answer.status === status) return;
  throw new Error(answer.type === "plain" ? new TextDecoder().decode(answer.body) : `an answer of type ${answer.type}`);
}

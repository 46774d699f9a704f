import { noBytes } from "../../../src/base/bytes.ts";
import { StepLoop } from "../../../src/base/step-loop.ts";
import { decodeRunRequest } from "../../../src/engine/run-wire.ts";
import type { KeeperEvent } from "../../../src/framework/keeper-api.ts";
import type { MasterConnection, MasterConnectionHandlers } from "../../../src/framework/master-connection.ts";
import { ConnectionLostError } from "../../../src/mesos/errors.ts";
import type { SchedulerCall, SchedulerEvent } from "../../../src/mesos/scheduler-api.ts";
import type { SubscriptionCommand, SubscriptionEvent } from "../../../src/mesos/scheduler-subscription.ts";
import { type FrameworkId, isTerminal, type TaskStatus } from "../../../src/mesos/types.ts";
import { type Fact, siteOf, type TaskKey } from "../facts.ts";
import { RequestLine, Wire } from "../network.ts";
import type { ProcessContext } from "../process-context.ts";
import type { Master } from "./master.ts";
import type { SchedulerStream } from "./master-state.ts";

const LONGEST_PAUSE_MS = 15_000;
const FIRST_PAUSE_MS = 250;
const LATE_MS = 3000;

/** Where schedulers find the master. */
export interface MasterAddress {
  /** undefined while there is none. */
  readonly leader: Master | undefined;
  newFrameworkId(site: string): FrameworkId;
  newStreamId(): string;
}

/** The connection of one subscription. */
interface Stream {
  readonly wires: readonly Wire[];
  readonly master: Master | undefined;
  /** The master's side; undefined before the request reaches it. */
  server: SchedulerStream | undefined;
}

/**
 * The way of src/mesos/scheduler-connection.ts to the master over a modelled network; the phases are decided by the
 * production machine.
 */
export class SimulatedMasterConnection implements MasterConnection {
  readonly #context: ProcessContext;
  readonly #address: MasterAddress;
  readonly #handlers: MasterConnectionHandlers;
  readonly #loop: StepLoop<SubscriptionEvent, SubscriptionCommand>;
  #frameworkId: FrameworkId | undefined;
  /** Hears of the end of its stream, or not. */
  #stream: Stream | undefined;
  #calls: RequestLine | undefined;
  #streamId = "";
  /** Updates with the executor's last word, by task and uuid. */
  readonly #results = new Map<string, TaskKey>();
  #closed = false;

  constructor(context: ProcessContext, address: MasterAddress, handlers: MasterConnectionHandlers) {
    this.#context = context;
    this.#address = address;
    this.#handlers = handlers;
    this.#frameworkId = handlers.frameworkInfo.id;
    const machine = new context.machines.SchedulerSubscription();
    this.#loop = new StepLoop(machine, { type: "time" }, context.life.clock, (command) => this.#perform(command));
    context.life.onDeath(() => this.#drop());
  }

  start(): void {
    queueMicrotask(() => this.#loop.dispatch({ type: "start" }));
  }

  call(call: SchedulerCall): void {
    const { life, name, observe, effect } = this.#context;
    if (!life.alive) return;
    const calls = this.#calls;
    if (calls === undefined) {
      queueMicrotask(() => this.#emit({ type: "call-unknown", call }));
      return;
    }
    effect(() => {
      for (const fact of this.#factsOf(call)) observe(fact);
      const { master } = this.#stream ?? {};
      const frameworkId = this.#frameworkId;
      const streamId = this.#streamId;
      if (frameworkId === undefined) throw new Error(`${name} calls ${call.type} without a framework id`);
      calls.request<number>(
        (answer) => {
          const status = master?.call(frameworkId, streamId, call);
          if (status !== undefined) answer(status);
        },
        {
          answered: (status) => {
            const text = status === 202 ? "" : "Framework is not subscribed";
            this.#loop.dispatch({ type: "call-answered", call, status, text });
          },
          lost: () => this.#lost(call),
        },
      );
    });
    if (call.type !== "ACCEPT" || !this.#context.faults.strike("accept-cut")) return;
    this.#context.life.clock.schedule(2 * this.#context.random.next(), () => this.cut("calls"));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#loop.stop();
    this.#drop();
  }

  // ------------------------------------------------------------------------------------------------------- troubles

  /** The stream breaks, or only the connection that the calls go over; an idle one is replaced and nobody notices. */
  cut(what: "stream" | "calls"): boolean {
    const calls = this.#calls;
    if (calls === undefined) return false;
    if (what === "stream") {
      const error = new ConnectionLostError("the stream was cut");
      this.#loop.dispatch({ type: "stream-closed", error, orderly: false });
    } else {
      calls.cut(this.#lateMs());
      if (this.#calls === calls) this.#calls = this.#newCalls();
    }
    return true;
  }

  /** The master stops: from now on nothing is heard of it, and nothing tells that. */
  silence(): boolean {
    const stream = this.#stream;
    if (stream === undefined || this.#calls === undefined) return false;
    for (const wire of stream.wires) wire.cut();
    this.#calls.hang();
    return true;
  }

  // ----------------------------------------------------------------------------------------------------- the machine

  #perform(command: SubscriptionCommand): void {
    const { life, random } = this.#context;
    switch (command.type) {
      case "locate":
        queueMicrotask(() => this.#loop.dispatch({ type: "located", master: { host: "master", port: 5050 } }));
        return;
      case "subscribe":
        return this.#subscribe();
      case "open-calls":
        this.#calls = this.#newCalls();
        return;
      case "drop":
        return this.#drop();
      case "pause": {
        const ms =
          Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (command.attempt - 1)) * (0.5 + 0.5 * random.next());
        life.clock.schedule(ms, () => this.#loop.dispatch({ type: "paused" }));
        return;
      }
      case "emit":
        if (command.event.type === "subscribed") this.#frameworkId = command.event.frameworkId;
        return this.#emit(command.event);
      case "blame":
      case "follow":
      case "end-pause":
        return;
    }
  }

  #subscribe(): void {
    const { life, time, random, name, effect } = this.#context;
    const there = new Wire(time, random);
    const back = new Wire(time, random);
    const stream: Stream = { wires: [there, back], master: this.#address.leader, server: undefined };
    this.#stream = stream;
    const tell = (event: SubscriptionEvent): void =>
      back.send(() => life.deliver(() => void (this.#stream === stream && this.#loop.dispatch(event))));
    const refused = (): void =>
      tell({ type: "stream-closed", error: new ConnectionLostError("the master is gone"), orderly: false });
    const id = this.#handlers.frameworkInfo.id ?? this.#frameworkId;
    const info = { ...this.#handlers.frameworkInfo, ...(id === undefined ? {} : { id }) };
    effect(() =>
      there.send(() => {
        if (stream.master === undefined || stream.master.dead) return refused();
        const streamId = this.#address.newStreamId();
        tell({ type: "answered", status: 200, streamId, location: undefined, text: "" });
        this.#streamId = streamId;
        stream.server = {
          id: streamId,
          send: (event) => back.send(() => life.deliver(() => this.#record(stream, event))),
          end: refused,
        };
        stream.master.subscribe(info, stream.server, () => this.#address.newFrameworkId(siteOf(name)));
        // The request got through just before its connection broke.
        if (this.#stream !== stream) this.#end(stream);
      }),
    );
  }

  #record(stream: object, event: SchedulerEvent): void {
    if (this.#stream !== stream) return;
    if (event.type === "UPDATE") this.#delivered(event.status);
    this.#loop.dispatch({ type: "record", event });
  }

  #lost(call: SchedulerCall): void {
    if (call.type === "ACCEPT") this.#context.faults.count("accept-unknown");
    this.#loop.dispatch({ type: "call-lost", call, error: new ConnectionLostError("the calls were cut") });
  }

  #drop(): void {
    const stream = this.#stream;
    const calls = this.#calls;
    this.#stream = undefined;
    this.#calls = undefined;
    for (const wire of stream?.wires ?? []) wire.cut();
    calls?.cut(this.#lateMs());
    if (stream !== undefined) this.#end(stream);
  }

  /** The master notices a broken stream, be it only when it next sends something. */
  #end({ server, master }: Stream): void {
    if (server === undefined) return;
    this.#context.time.schedule(LATE_MS * this.#context.random.next(), () => master?.disconnected(server));
  }

  #newCalls(): RequestLine {
    const { time, random, life } = this.#context;
    return new RequestLine(time, random, life);
  }

  #lateMs(): number {
    return this.#context.faults.strike("accept-late") ? LATE_MS * this.#context.random.next() : 0;
  }

  #emit(
    event: Extract<
      KeeperEvent,
      { type: "subscribed" | "event" | "disconnected" | "call-unknown" | "call-rejected" | "ended" }
    >,
  ): void {
    if (!this.#closed && this.#context.life.alive) this.#handlers.onEvent(event);
  }

  // ------------------------------------------------------------------------------------------------------ the facts

  #delivered(status: TaskStatus): void {
    if (status.uuid === undefined || status.source !== "SOURCE_EXECUTOR" || !isTerminal(status.state)) return;
    const { name, observe } = this.#context;
    const task = this.#taskKey(status.taskId);
    this.#results.set(resultKey(status.taskId, status.uuid), task);
    observe({ type: "result-delivered", scheduler: name, task });
  }

  *#factsOf(call: SchedulerCall): Iterable<Fact> {
    const { name: scheduler } = this.#context;
    if (call.type === "ACKNOWLEDGE") {
      const task = this.#results.get(resultKey(call.taskId, call.uuid));
      if (task !== undefined) yield { type: "result-acknowledged", scheduler, task };
    }
    if (call.type !== "ACCEPT") return;
    for (const operation of call.operations) {
      for (const { taskId, agentId, executor, data } of operation.type === "LAUNCH" ? operation.taskInfos : []) {
        const executorId = executor?.executorId ?? "";
        const { version } = decodeRunRequest(data ?? noBytes).spec;
        yield { type: "launched", scheduler, task: this.#taskKey(taskId), version, agentId, executorId };
      }
    }
  }

  #taskKey(taskId: string): TaskKey {
    return `${this.#frameworkId}/${taskId}`;
  }
}

function resultKey(taskId: string, uuid: Uint8Array): string {
  return `${taskId} ${Buffer.from(uuid).toString("hex")}`;
}

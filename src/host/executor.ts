import { noBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { assertNever } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { StepLoop } from "../base/step-loop.ts";
import type { RunRequest } from "../engine/run-wire.ts";
import type { TaskId } from "../mesos/types.ts";
import type { ProgramHandle, Programs } from "../programs/programs.ts";
import { EndQueue } from "./end-queue.ts";
import type { Session } from "./session.ts";
import type { AgentCall, SessionCommand, SessionEvent } from "./session-events.ts";
import { StartQueue } from "./start-queue.ts";

export type AgentConnectionEvent = Extract<
  SessionEvent,
  { type: "event" | "disconnected" | "gave-up" | "call-rejected" }
>;

/** The way to the agent, as far as an executor needs it. */
export interface AgentConnection {
  /** Connects, and connects again, until {@link close}. Events come one at a time and in order. */
  start(): void;
  /** Sends it, in order. Where that fails, "disconnected" follows. */
  call(call: AgentCall): void;
  /** Resolves as soon as every call that was sent is answered or lost. */
  drain(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

/** How long the agent may take to answer the last calls of an executor that leaves. */
const DRAIN_MS = 1000;

export interface ExecutorOptions {
  readonly session: Session;
  readonly connect: (onEvent: (event: AgentConnectionEvent) => void) => AgentConnection;
  readonly programs: Programs;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Carries out what its session decides. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #connection: AgentConnection;
  readonly #handles = new Map<TaskId, ProgramHandle>();
  readonly #starts = new StartQueue<TaskId, RunRequest>((taskId, request) => this.#startProgram(taskId, request));
  readonly #ends: EndQueue<SessionEvent>;
  readonly #exited = Promise.withResolvers<number>();
  readonly #loop: StepLoop<SessionEvent, SessionCommand>;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { session, clock, connect } = options;
    this.#ends = new EndQueue(clock, (ended) => this.#loop.dispatch(ended));
    this.#connection = connect((event) => this.#loop.dispatch(event));
    this.#loop = new StepLoop(session, { type: "wake" }, clock, (command) => this.#perform(command));
  }

  /** Serves the agent to the end. @returns the exit code of the process; no program runs any more */
  async run(): Promise<number> {
    this.#connection.start();
    const code = await this.#exited.promise;
    this.#loop.stop();
    this.#starts.clear();
    this.#options.programs.killAll();
    const deadline = Promise.withResolvers<void>();
    const cancelDeadline = this.#options.clock.schedule(DRAIN_MS, deadline.resolve);
    await Promise.race([this.#connection.drain(), deadline.promise]);
    cancelDeadline();
    this.#connection.close();
    return code;
  }

  /** Ends all tasks within the shutdown grace period, tells the agent, and lets {@link run} return. */
  terminate(): void {
    this.#loop.dispatch({ type: "terminate" });
  }

  #perform(command: SessionCommand): void {
    const { log } = this.#options;
    switch (command.type) {
      case "call":
        return this.#connection.call(command.call);
      case "start-program":
        return this.#starts.add(command.taskId, command.request);
      case "kill-program":
        return this.#killProgram(command.taskId, command.graceMs);
      case "log":
        return log[command.level](command.message, command.fields);
      case "exit":
        log[command.code === 0 ? "info" : "error"]("executor exits", { reason: command.reason });
        return this.#exited.resolve(command.code);
      default:
        return assertNever(command);
    }
  }

  #startProgram(taskId: TaskId, request: RunRequest): void {
    const handle = this.#options.programs.start(taskId, request, (end) => {
      this.#handles.delete(taskId);
      this.#ends.add({ type: "program-ended", taskId, end }, this.#handles.size > 0 || !this.#starts.isEmpty);
    });
    this.#handles.set(taskId, handle);
  }

  #killProgram(taskId: TaskId, graceMs: number): void {
    const request = this.#starts.remove(taskId);
    if (request === undefined) {
      this.#handles.get(taskId)?.kill(graceMs);
      return;
    }
    const result = {
      outcome: { type: "killed" },
      stdout: noBytes,
      stderrTail: noBytes,
      durationMs: 0,
      specVersion: request.spec.version,
    } as const;
    this.#loop.dispatch({ type: "program-ended", taskId, end: { type: "ended", result } });
  }
}

import { noBytes, utf8 } from "../../../src/base/bytes.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { encodeExecutorConfig } from "../../../src/engine/executor-wire.ts";
import type { RunOutcome } from "../../../src/engine/ports.ts";
import { encodeRunRequest } from "../../../src/engine/run-wire.ts";
import { Session } from "../../../src/host/session.ts";
import type { SessionCommand, SessionEvent } from "../../../src/host/session-events.ts";
import type { ExecutorEvent } from "../../../src/mesos/executor-api.ts";
import type { AgentId, ExecutorId, TaskId, TaskInfo, TaskStatus } from "../../../src/mesos/types.ts";
import type { ProgramEnd } from "../../../src/programs/programs.ts";
import { requestOf } from "../programs/fixture.ts";

export const idleTimeoutMs = 30_000;
export const shutdownGraceMs = 5000;

export function newSession(seed = 1): Session {
  return new Session({ version: "9.9.9", shutdownGraceMs, epochMs: 1_000_000 }, seededRandom(seed));
}

export function taskId(name: string | number): TaskId {
  return String(name) as TaskId;
}

export function taskInfo(name: string | number): TaskInfo {
  return {
    name: `task ${name}`,
    taskId: taskId(name),
    agentId: "agent" as AgentId,
    data: encodeRunRequest(requestOf(["cat"])),
  };
}

export function subscribed(data: Uint8Array = encodeExecutorConfig({ idleTimeoutMs })): ExecutorEvent {
  return {
    type: "SUBSCRIBED",
    executorInfo: { executorId: "executor" as ExecutorId, data },
    frameworkInfo: { user: "root", name: "framework" },
    agentInfo: { hostname: "localhost" },
    containerId: undefined,
  };
}

export function endOf(outcome: RunOutcome, stdout = ""): ProgramEnd {
  const result = { outcome, stdout: utf8(stdout), stderrTail: noBytes, durationMs: 1, specVersion: "v1" };
  return { type: "ended", result };
}

/** A session whose tests read as sentences. Time is set by hand. */
export class Driver {
  readonly session = newSession();
  nowMs = 0;

  step(event: SessionEvent): SessionCommand[] {
    return this.session.step(event, this.nowMs);
  }

  agent(event: ExecutorEvent): SessionCommand[] {
    return this.step({ type: "event", event });
  }

  launch(name: string): SessionCommand[] {
    return this.agent({ type: "LAUNCH", task: taskInfo(name) });
  }

  kill(name: string, graceMs?: number): SessionCommand[] {
    const killPolicy = graceMs === undefined ? undefined : { gracePeriod: { nanoseconds: graceMs * 1e6 } };
    return this.agent({ type: "KILL", taskId: taskId(name), killPolicy });
  }

  end(name: string, end: ProgramEnd): SessionCommand[] {
    return this.step({ type: "program-ended", taskId: taskId(name), end });
  }

  acknowledge({ taskId, uuid = noBytes }: TaskStatus): SessionCommand[] {
    return this.agent({ type: "ACKNOWLEDGED", taskId, uuid });
  }

  /** Lets time pass up to the next wake. */
  wake(): SessionCommand[] {
    this.nowMs = this.session.wakeAtMs ?? this.nowMs;
    return this.step({ type: "wake" });
  }
}

export function updates(commands: readonly SessionCommand[]): TaskStatus[] {
  return commands.flatMap((command) =>
    command.type === "call" && command.call.type === "UPDATE" ? [command.call.status] : [],
  );
}

/** The only update among them. */
export function update(commands: readonly SessionCommand[]): TaskStatus {
  const [status, ...others] = updates(commands);
  if (status === undefined || others.length > 0) throw new Error(`${updates(commands).length} updates, expected 1`);
  return status;
}

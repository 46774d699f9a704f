import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandEnd } from "../../../src/local/mesos/built-in/signals.ts";
import type { ContainerEvent, ContainerLaunch } from "../../../src/local/mesos/containers/containerizer.ts";
import { sandboxPath } from "../../../src/local/mesos/containers/sandbox.ts";
import type { TaskId } from "../../../src/mesos/types.ts";
import type { RecordedLine } from "../mesos-recordings.ts";
import type { RecordedIds } from "./recorded-ids.ts";
import type { VirtualMesos } from "./virtual-mesos.ts";

/*
 * The machine of a recorded agent, in a replay: what its programs did is known by what was said of them, and they do it
 * again just before.
 */

export interface RecordedMachineOptions {
  /** Files of every sandbox, by name: their text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Executors whose exit no note tells of: it is known by its FAILURE alone. */
  readonly silentExits?: readonly string[];
  /** What it had beside what this one has. */
  readonly presentFiles?: readonly string[];
  /** Executors that never come to be, since their image is being pulled. */
  readonly hangingLaunches?: readonly string[];
}

interface Recorded {
  readonly lines: readonly RecordedLine[];
  readonly ids: RecordedIds;
  readonly mesos: () => VirtualMesos;
}

interface RecordedStatus {
  readonly task_id: { readonly value: string };
  readonly executor_id?: { readonly value: string };
  readonly state: string;
  readonly reason?: string;
  readonly message?: string;
  readonly data?: string;
}

interface RecordedFailure {
  readonly executor_id?: { readonly value: string };
  readonly status?: number;
}

export class RecordedMachine {
  readonly #options: RecordedMachineOptions;
  readonly #recorded: Recorded;

  constructor(options: RecordedMachineOptions, recorded: Recorded) {
    this.#options = options;
    this.#recorded = recorded;
  }

  /** What has to have happened for a master to say this. */
  play(event: object): void {
    const { failure, update } = event as { failure?: RecordedFailure; update?: { status: RecordedStatus } };
    if (failure !== undefined) this.#exitSilently(failure);
    if (update !== undefined) this.#playCommand(update.status);
  }

  /** Ends the executor of a connection. */
  exit(conn: string, waitStatus: number): void {
    const { lines, ids, mesos } = this.#recorded;
    const subscribe = lines.find((line) => line.conn === conn && line.kind === "request");
    const { executor_id, framework_id } = (subscribe?.decoded ?? subscribe?.body ?? {}) as Record<
      string,
      { readonly value: string } | undefined
    >;
    const container = mesos().launched.findLast(
      ({ executor, frameworkId }) =>
        executor.executorId === executor_id?.value && frameworkId === ids.translate(framework_id?.value ?? ""),
    );
    if (container !== undefined) mesos().exit(container.containerId, waitStatus);
  }

  #exitSilently(failure: RecordedFailure): void {
    const executorId = failure.executor_id?.value ?? "";
    if (this.#options.silentExits?.includes(executorId) !== true) return;
    const container = this.#recorded.mesos().launched.findLast(({ executor }) => executor.executorId === executorId);
    if (container !== undefined) this.#recorded.mesos().exit(container.containerId, failure.status ?? 0);
  }

  /** When a container of Docker's runs, and how a command ends, is known by what is said of it. */
  #playCommand(status: RecordedStatus): void {
    const { containers } = this.#recorded.mesos();
    if (status.state === "TASK_RUNNING" && status.data !== undefined) {
      containers.startCommand(status.task_id.value as TaskId, new Uint8Array(Buffer.from(status.data, "base64")));
    }
    const [, code, signal] =
      /^(?:Command|Container) (?:exited with status (\d+)|terminated with signal (\w+))$/.exec(status.message ?? "") ??
      [];
    if (code === undefined && signal === undefined) return;
    const end: CommandEnd =
      code === undefined
        ? { type: "signalled", signal: signal === "Killed" ? "SIGKILL" : "SIGTERM" }
        : { type: "exited", code: Number(code) };
    containers.endCommand(status.task_id.value as TaskId, end);
  }

  /** What the recorded agent's machine lacked; and the files that its executors wrote. */
  launchProblem({ containerId, frameworkId, executor }: ContainerLaunch): ContainerEvent | "hangs" | undefined {
    const { command, executorId } = executor;
    const { workDir, id } = this.#recorded.mesos().agentSettings;
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
    for (const { body } of this.#recorded.lines) {
      const status = ((body ?? {}) as { update?: { status: RecordedStatus } }).update?.status;
      const { task_id, executor_id = task_id, reason } = status ?? {};
      if (executor_id?.value !== executorId || reason !== "REASON_CONTAINER_LAUNCH_FAILED") continue;
      return status?.message?.slice(prefix.length);
    }
    return undefined;
  }

  /** What a program wrote is known by what is read of it: it stands there just before. */
  write({ conn, path = "" }: RecordedLine): void {
    const [, executorId, name = ""] = /\/files\/read\?.*\/executors\/([^/]+)\/runs\/latest\/(std\w+)&/.exec(path) ?? [];
    const container = this.#recorded.mesos().launched.findLast(({ executor }) => executor.executorId === executorId);
    if (container === undefined || name === "" || this.#options.files !== undefined) return;
    const answer = this.#recorded.lines.find((line) => line.conn === conn && line.kind === "response-body");
    const { data } = (answer?.body ?? {}) as { readonly data?: string };
    const { workDir, id } = this.#recorded.mesos().agentSettings;
    const owner = { frameworkId: container.frameworkId, executorId: container.executor.executorId };
    if (data === undefined) return;
    const sandbox = sandboxPath(workDir, id, owner, container.containerId);
    mkdirSync(sandbox, { recursive: true });
    writeFileSync(join(sandbox, name), this.#recorded.ids.translate(data));
  }
}

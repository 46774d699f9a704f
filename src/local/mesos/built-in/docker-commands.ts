import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { describeError, InputError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { AgentId, ContainerId, TaskId, TaskInfo } from "../../../mesos/types.ts";
import { type Environment, readEngineAddress } from "../../../programs/docker/engine-address.ts";
import { EngineClient } from "../../../programs/docker/engine-client.ts";
import { containerBody } from "../containers/docker/container-body.ts";
import { containerLabels } from "../containers/docker/container-labels.ts";
import { DockerContainer, type ExecutedCommand } from "../containers/docker/docker-container.ts";
import { dockerRun } from "../containers/docker/docker-run.ts";
import { commandEnvironment, dockerName, dockerVariables } from "../containers/environment.ts";
import { askOverNetwork, withinTime } from "./probes.ts";
import type { DueProbe, Probe, ProbeResult } from "./task-checks.ts";

/** As `docker run` exits where it cannot start a container; 126 and 127 are the Engine's own, of the program. */
const CANNOT_RUN = 125;
const CANNOT_EXECUTE = 126;
const NOT_FOUND = 127;
/** Of a container that somebody else removed. */
const KILLED = 137;

export interface DockerCommandsOptions {
  readonly agentId: AgentId;
  /** Of the executor: the container is named after it. */
  readonly containerId: ContainerId;
  /** By its path on the host. */
  readonly sandbox: string;
  /** Where the Engine is. */
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What becomes of a command in a container. */
export interface DockerCommandEvents {
  /** @param inspected what the Engine says of the container, as JSON */
  started(inspected: string, ipAddress: string | undefined): void;
  ended(exitCode: number): void;
  /** It is nothing that could be run. */
  refused(message: string): void;
}

/** Runs commands in containers of a Docker Engine, as Mesos' own executor for that does. Their images are there already. */
export class DockerCommands {
  readonly #options: DockerCommandsOptions;
  readonly #containers = new Map<TaskId, DockerContainer>();
  /** Said before the container was there. */
  readonly #wanted = new Map<TaskId, "SIGTERM" | "SIGKILL">();
  #client: EngineClient | undefined;

  constructor(options: DockerCommandsOptions) {
    this.#options = options;
  }

  async run(task: TaskInfo, events: DockerCommandEvents): Promise<void> {
    const { taskId, container = { type: "DOCKER" }, command = {}, resources = [], limits } = task;
    const { agentId, containerId, sandbox, clock, env, log } = this.#options;
    const name = dockerName(containerId);
    let running: DockerContainer;
    try {
      const variables = { ...commandEnvironment(command), ...dockerVariables(containerId, task) };
      const run = dockerRun({ name, container, command, env: variables, sandbox, resources, limits });
      const body = containerBody(run, containerLabels(agentId, containerId));
      this.#client ??= new EngineClient(readEngineAddress(env), clock);
      running = await DockerContainer.run({ client: this.#client, clock, name, body, sandbox, log });
    } catch (error) {
      if (error instanceof InputError) return events.refused(error.message);
      appendFileSync(join(sandbox, "stderr"), `docker: ${describeError(error)}\n`);
      return events.ended(exitCodeOf(describeError(error)));
    }
    this.#containers.set(taskId, running);
    // Docker's own command prints a list.
    events.started(`[${running.started?.text ?? ""}]`, running.address);
    const wanted = this.#wanted.get(taskId);
    if (wanted !== undefined) running.signal(wanted);
    const code = await running.ended;
    this.#containers.delete(taskId);
    events.ended(code ?? KILLED);
  }

  /** Looks at a command that runs, within its time. Never rejects. */
  probe(taskId: TaskId, { probe, timeoutMs }: DueProbe): Promise<ProbeResult> {
    const container = this.#containers.get(taskId);
    return withinTime(timeoutMs, this.#options.clock, async (signal) => {
      if (container === undefined) throw new Error("the container does not run");
      if (probe.type === "command") {
        return { type: "command", exitCode: await container.exec(checkedCommand(probe.command), signal) };
      }
      const host = container.network === "host" ? probe.host : container.address;
      if (host === undefined) throw new Error("the container has no address");
      return askOverNetwork(probe, host, signal);
    });
  }

  signal(taskId: TaskId, signal: "SIGTERM" | "SIGKILL"): void {
    const container = this.#containers.get(taskId);
    if (container === undefined) this.#wanted.set(taskId, signal);
    else container.signal(signal);
  }

  /** Ends whatever runs. */
  async close(): Promise<void> {
    const containers = [...this.#containers.values()];
    for (const container of containers) container.signal("SIGKILL");
    await Promise.all(containers.map(({ ended }) => ended));
    this.#client?.close();
  }
}

function checkedCommand(command: Extract<Probe, { type: "command" }>["command"]): ExecutedCommand {
  const { shell = true, value = "", arguments: argv = [] } = command;
  const env = Object.entries(commandEnvironment(command)).map(([name, text]) => `${name}=${text}`);
  return { argv: shell ? ["sh", "-c", value] : [value, ...argv], env };
}

function exitCodeOf(reason: string): number {
  if (/executable file not found|no such file or directory/i.test(reason)) return NOT_FOUND;
  return /permission denied|is a directory/i.test(reason) ? CANNOT_EXECUTE : CANNOT_RUN;
}

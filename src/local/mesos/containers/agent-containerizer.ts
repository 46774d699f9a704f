import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { ContainerId, Resource, ResourceLimits } from "../../../mesos/types.ts";
import type { AgentMemory } from "../agent/agent-memory.ts";
import type { AgentSettings } from "../agent/agent-types.ts";
import type { ContainerAdoption, ContainerEvent, Containerizer, ContainerLaunch } from "./containerizer.ts";
import { DockerContainerizer } from "./docker/docker-containerizer.ts";
import { FetchCache } from "./fetch-cache.ts";
import { imageProblem } from "./images.ts";
import { launchFailure } from "./preparation.ts";
import { ProcessContainerizer } from "./process-containerizer.ts";

export interface AgentContainerizerOptions {
  readonly workDir: string;
  readonly settings: AgentSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEvent: (event: ContainerEvent) => void;
}

/** What Mesos says of a container that was destroyed while its image was being pulled. */
const ABANDONED = "discarded; Abnormal executor termination: unknown container";

/**
 * What an agent with `--containerizers=docker,mesos` runs containers with: a framework's executor that asks for Docker
 * is a container of the Engine's; around a command that asks for it stands a process of ours, which runs the container
 * (src/local/mesos/built-in), so that only its image is looked after here; and everything else is processes.
 */
export class AgentContainerizer implements Containerizer {
  readonly #options: AgentContainerizerOptions;
  readonly #processes: ProcessContainerizer;
  readonly #docker: DockerContainerizer;
  /** Executors at the Engine. */
  readonly #atDocker = new Set<ContainerId>();
  /** Executors of commands that run at the Engine, and what is to be said of their end. */
  readonly #commands = new Map<ContainerId, "Container terminated" | "Container killed">();
  /** What is under way beside containers that run. */
  readonly #work = new Set<Promise<void>>();
  /** Whose image is being pulled. */
  readonly #pulling = new Map<ContainerId, AbortController>();

  constructor(options: AgentContainerizerOptions) {
    this.#options = options;
    const cache = new FetchCache(join(options.workDir, "fetch"));
    const onEvent = (event: ContainerEvent): void => {
      options.onEvent(event.type === "started" ? event : this.#over(event));
    };
    this.#processes = new ProcessContainerizer({ ...options, cache, onEvent });
    this.#docker = new DockerContainerizer({ ...options, cache, onEvent });
  }

  launch(container: ContainerLaunch): void {
    const { containerId } = container;
    const problem = imageProblem(container.executor.container);
    if (problem !== undefined) this.#follow(this.#refuse(container, new Error(problem)));
    else if (!isDocker(container)) this.#processes.launch(container);
    else if (container.kind === "command") this.#follow(this.#pullAndLaunch(container));
    else {
      this.#atDocker.add(containerId);
      this.#docker.launch(container);
    }
  }

  adopt(container: ContainerAdoption): void {
    const { containerId } = container;
    if (isDocker(container) && container.kind !== "command") {
      this.#atDocker.add(containerId);
      return this.#docker.adopt(container);
    }
    if (isDocker(container)) this.#commands.set(containerId, "Container terminated");
    this.#processes.adopt(container);
  }

  update(containerId: ContainerId, resources: readonly Resource[], limits: ResourceLimits): void {
    if (this.#atDocker.has(containerId)) this.#docker.update(containerId, resources, limits);
    else this.#processes.update();
  }

  destroy(containerId: ContainerId): void {
    this.#pulling.get(containerId)?.abort(new Error(ABANDONED));
    if (this.#commands.has(containerId)) this.#commands.set(containerId, "Container killed");
    if (this.#atDocker.has(containerId)) this.#docker.destroy(containerId);
    else this.#processes.destroy(containerId);
  }

  async idle(): Promise<void> {
    await Promise.all(this.#work);
    await Promise.all([this.#processes.idle(), this.#docker.idle()]);
    await Promise.all(this.#work);
    this.#docker.close();
  }

  /** Removes from the Engine what an earlier life of the agent has left there. Containers of live commands stay. */
  clearAway(memory: AgentMemory): void {
    const executors = [...memory.values()].flatMap((framework) => [...framework.executors.values()]);
    const atDocker = executors.filter(({ info }) => isDocker({ executor: info }));
    if (atDocker.length === 0) return;
    const commands = atDocker.filter(({ kind, exited }) => kind === "command" && !exited);
    this.#follow(this.#docker.clearAway(new Set(commands.map(({ containerId }) => containerId))));
  }

  /** The executor of a command that was killed has left its container; Mesos speaks of the one as of the other. */
  #over(event: Exclude<ContainerEvent, { type: "started" }>): ContainerEvent {
    const { containerId } = event;
    this.#atDocker.delete(containerId);
    const message = this.#commands.get(containerId);
    if (message === undefined) return event;
    this.#commands.delete(containerId);
    this.#follow(this.#docker.remove(containerId));
    return event.type === "exited" ? { ...event, message } : event;
  }

  /** @param work never rejects */
  #follow(work: Promise<void>): void {
    this.#work.add(work);
    void work.then(() => this.#work.delete(work));
  }

  async #refuse({ containerId, executor }: ContainerLaunch, error: unknown): Promise<void> {
    await Promise.resolve();
    this.#options.log.warn("executor not started", { executorId: executor.executorId, error });
    this.#options.onEvent(launchFailure(containerId, error));
  }

  async #pullAndLaunch(container: ContainerLaunch): Promise<void> {
    const { containerId, executor } = container;
    const { image = "", forcePullImage = false } = executor.container?.docker ?? {};
    const abort = new AbortController();
    this.#pulling.set(containerId, abort);
    try {
      await this.#docker.pull(image, forcePullImage, abort.signal);
    } catch (error) {
      return this.#refuse(container, error);
    } finally {
      this.#pulling.delete(containerId);
    }
    this.#commands.set(containerId, "Container terminated");
    this.#processes.launch(container);
  }
}

function isDocker({ executor }: Pick<ContainerLaunch, "executor">): boolean {
  return executor.container?.type === "DOCKER";
}

import { describeError } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/log.ts";
import type { ContainerId, Resource, ResourceLimits } from "../../../../mesos/types.ts";
import { readEngineAddress } from "../../../../programs/docker/engine-address.ts";
import { imageExists, listContainers, removeContainer } from "../../../../programs/docker/engine-api.ts";
import { EngineClient } from "../../../../programs/docker/engine-client.ts";
import { Images } from "../../../../programs/docker/images.ts";
import type { ContainerAdoption, ContainerEvent, Containerizer, ContainerLaunch } from "../containerizer.ts";
import { dockerExecutorEnvironment, dockerName } from "../environment.ts";
import { launchFailure, prepare, type Surroundings } from "../preparation.ts";
import { startTimeOf } from "../processes.ts";
import { containerBody } from "./container-body.ts";
import { AGENT_LABEL, CONTAINER_LABEL, containerLabels } from "./container-labels.ts";
import { DockerContainer } from "./docker-container.ts";
import { dockerLimits, dockerRun } from "./docker-run.ts";

/** A container that ends sooner was never there to Mesos, which first looks after so long (`DOCKER_INSPECT_DELAY`). */
const LAUNCH_MS = 500;
/** As Mesos says for any end. */
const WAIT_STATUS = -1;

export interface DockerContainerizerOptions extends Surroundings {
  readonly log: Logger;
  readonly onEvent: (event: ContainerEvent) => void;
}

type Container =
  /** Its image is being pulled, or it is being created. */
  | { readonly type: "starting"; readonly abort: AbortController }
  | { readonly type: "running"; readonly container: DockerContainer; destroyed: boolean };

/**
 * Runs custom executors in containers of the local Docker Engine, as Mesos' Docker containerizer does. Like there they do
 * not outlive their agent; unlike there nothing is left of one that has ended (`docker_remove_delay` is 0), and an agent
 * clears away its own containers only.
 */
export class DockerContainerizer implements Containerizer {
  readonly #options: DockerContainerizerOptions;
  readonly #containers = new Map<ContainerId, Container>();
  #engine: { readonly client: EngineClient; readonly images: Images } | undefined;
  #idleWaiters: (() => void)[] = [];

  constructor(options: DockerContainerizerOptions) {
    this.#options = options;
  }

  launch(container: ContainerLaunch): void {
    const abort = new AbortController();
    this.#containers.set(container.containerId, { type: "starting", abort });
    queueMicrotask(() => void this.#launch(container, abort.signal));
  }

  update(containerId: ContainerId, resources: readonly Resource[], limits: ResourceLimits): void {
    const known = this.#containers.get(containerId);
    if (known?.type !== "running") return;
    known.container.resize(dockerLimits(resources, limits)).catch((error: unknown) => {
      this.#options.log.warn("container cannot be resized", { containerId, error });
    });
  }

  destroy(containerId: ContainerId): void {
    const known = this.#containers.get(containerId);
    if (known?.type === "starting") known.abort.abort(new Error("Container is being destroyed"));
    if (known?.type !== "running") return;
    known.destroyed = true;
    // As `docker stop -t 0` has it.
    known.container.signal("SIGTERM");
    known.container.signal("SIGKILL");
  }

  /** An executor of the HTTP API is not known again. */
  adopt({ containerId }: ContainerAdoption): void {
    const abort = new AbortController();
    this.#containers.set(containerId, { type: "starting", abort });
    const message = "Abnormal executor termination: unknown container";
    void this.remove(containerId).then(() =>
      this.#over({ type: "exited", containerId, waitStatus: WAIT_STATUS, message }),
    );
  }

  async idle(): Promise<void> {
    while (this.#containers.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Once it is idle: keeps no connection to the Engine any more. */
  close(): void {
    this.#engine?.client.close();
  }

  /** Removes what is left of a container, if anything is. Never rejects. */
  async remove(containerId: ContainerId): Promise<void> {
    await this.#removeAll({ ...this.#labels, [CONTAINER_LABEL]: containerId }, () => true);
  }

  /** Removes all that an earlier life of this agent has left at the Engine, but for `keep`. Never rejects. */
  async clearAway(keep: ReadonlySet<string>): Promise<void> {
    await this.#removeAll(this.#labels, (id) => !keep.has(id) && !this.#containers.has(id as ContainerId));
  }

  async #removeAll(labels: Readonly<Record<string, string>>, isLeft: (containerId: string) => boolean): Promise<void> {
    const { log } = this.#options;
    try {
      const { client } = this.#useEngine();
      for (const { id, labels: own } of await listContainers(client, labels)) {
        if (!isLeft(own[CONTAINER_LABEL] ?? "")) continue;
        await removeContainer(client, id);
        log.info("container of an executor that is gone was removed", { container: id.slice(0, 12) });
      }
    } catch (error) {
      log.warn("containers of executors that are gone cannot be removed", { reason: describeError(error) });
    }
  }

  async #launch(launch: ContainerLaunch, signal: AbortSignal): Promise<void> {
    const { containerId, executor } = launch;
    const { log, onEvent } = this.#options;
    try {
      const { sandbox } = await prepare(launch, this.#options, signal);
      const container = await this.#run(launch, sandbox, signal);
      this.#containers.set(containerId, { type: "running", container, destroyed: false });
      if (signal.aborted) this.destroy(containerId);
      await this.#untilLaunched(container);
      const pid = container.started?.pid ?? 0;
      log.info("executor started", { executorId: executor.executorId, container: dockerName(containerId) });
      onEvent({ type: "started", containerId, process: { pid, startTime: startTimeOf(pid) ?? "unknown" } });
      await container.ended;
      const message = this.#wasDestroyed(containerId) ? "Container killed" : "Container terminated";
      this.#over({ type: "exited", containerId, waitStatus: WAIT_STATUS, message });
    } catch (error) {
      if (this.#wasDestroyed(containerId)) {
        return this.#over({ type: "exited", containerId, waitStatus: WAIT_STATUS, message: "Container killed" });
      }
      log.warn("executor not started", { executorId: executor.executorId, error });
      this.#over(launchFailure(containerId, error));
    }
  }

  #wasDestroyed(containerId: ContainerId): boolean {
    const known = this.#containers.get(containerId);
    return known?.type === "running" && known.destroyed;
  }

  async #run(launch: ContainerLaunch, sandbox: string, signal: AbortSignal): Promise<DockerContainer> {
    const { containerId, executor, resources, limits } = launch;
    const { settings, clock, log } = this.#options;
    const name = dockerName(containerId);
    const { container = { type: "DOCKER" }, command = {} } = executor;
    const env = dockerExecutorEnvironment(launch, settings, sandbox);
    const run = dockerRun({ name, container, command, env, sandbox, resources, limits });
    const body = containerBody(run, containerLabels(settings.id, containerId));
    await this.pull(run.image, container.docker?.forcePullImage === true, signal);
    return DockerContainer.run({ client: this.#useEngine().client, clock, name, body, sandbox, log });
  }

  /** @throws {Error} the image cannot be had, or `signal` */
  async pull(image: string, force: boolean, signal: AbortSignal): Promise<void> {
    const { client, images } = this.#useEngine();
    if (!force && (await imageExists(client, image))) return;
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    signal.throwIfAborted();
    const failure = await Promise.race([images.pull(image), aborted]);
    if (failure !== null) throw new Error(failure.message);
  }

  /** @throws {Error} it has ended before */
  async #untilLaunched(container: DockerContainer): Promise<void> {
    const looked = Promise.withResolvers<void>();
    const cancel = this.#options.clock.schedule(LAUNCH_MS, looked.resolve);
    await Promise.race([looked.promise, container.ended]);
    cancel();
    // Asked, since the news of its end may be on its way.
    if (await container.isRunning()) return;
    const code = await container.ended;
    throw new Error(
      code === 0 || code === undefined
        ? "Unable to get executor pid after launch"
        : `Container exited with status ${code}`,
    );
  }

  #over(event: ContainerEvent): void {
    this.#containers.delete(event.containerId);
    this.#options.onEvent(event);
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }

  get #labels(): Record<string, string> {
    return { [AGENT_LABEL]: this.#options.settings.id };
  }

  /** @throws {InputError} the environment names none that could be used */
  #useEngine(): { readonly client: EngineClient; readonly images: Images } {
    if (this.#engine === undefined) {
      const { settings, clock, log } = this.#options;
      // Where the executors look for it, too.
      const env = settings.executorVariables ?? {};
      const client = new EngineClient(readEngineAddress(env), clock);
      this.#engine = { client, images: new Images({ client, clock, log, env }) };
    }
    return this.#engine;
  }
}

import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { labelsOf, type Owner, ownerLabels, taskLabel } from "./container-config.ts";
import { type ListedContainer, listContainers, removeContainer } from "./engine-api.ts";
import type { EngineClient } from "./engine-client.ts";
import { EngineRefusedError } from "./errors.ts";
import type { HostPaths } from "./host-paths.ts";
import { isOwnerGone } from "./owner-lock.ts";

const PERIOD_MS = 60_000;

export interface ContainerSweeperOptions {
  readonly client: EngineClient;
  readonly owner: Owner;
  readonly hostPaths: HostPaths;
  /** Whether this process still has to do with a run's container, or will remove it by itself. */
  readonly isOurs: (runKey: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Removes what executors left behind (docs/concepts/promises.md, I9): containers of this deployment and agent whose
 * owner does not hold its lock any more, and of this very process those whose removal failed. Looks at once and then
 * each minute. Containers of a live executor, of another agent or another deployment are never touched.
 */
export class ContainerSweeper {
  readonly #options: ContainerSweeperOptions;
  #cancel: (() => void) | undefined;
  #stopped = false;
  #sweeping = Promise.resolve();

  constructor(options: ContainerSweeperOptions) {
    this.#options = options;
  }

  /** Looks at once. May be called again: an Engine that was gone may have kept what could not be removed. */
  start(): void {
    this.#sweeping = this.#sweeping.then(() => this.#sweepAndPlan());
  }

  /** Resolves when nothing is being removed any more. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#sweeping;
  }

  async #sweepAndPlan(): Promise<void> {
    try {
      await this.#sweep();
    } catch (error) {
      // The runs themselves say that the Engine is gone; here it only means later.
      this.#options.log.debug("containers left behind cannot be looked for", { error });
    }
    this.#cancel?.();
    if (!this.#stopped) this.#cancel = this.#options.clock.schedule(PERIOD_MS, () => this.start());
  }

  async #sweep(): Promise<void> {
    const { client, owner, log } = this.#options;
    const { [ownerLabels.deployment]: deployment = "", [ownerLabels.agent]: agent = "" } = labelsOf(owner);
    const common = { [ownerLabels.deployment]: deployment, [ownerLabels.agent]: agent };
    for (const container of await listContainers(client, common)) {
      if (this.#stopped) return;
      if (!this.#isLeftBehind(container)) continue;
      const fields = {
        container: container.id.slice(0, 12),
        taskId: container.labels[taskLabel],
        executorId: container.labels[ownerLabels.executor],
      };
      try {
        await removeContainer(client, container.id);
        log.info("container left behind was removed", fields);
      } catch (error) {
        // One that the Engine cannot remove must not keep the others.
        if (!(error instanceof EngineRefusedError)) throw error;
        log.warn("container left behind cannot be removed", { ...fields, error });
      }
    }
  }

  #isLeftBehind({ labels }: ListedContainer): boolean {
    if (labels[ownerLabels.owner] === this.#options.owner.owner) {
      return !this.#options.isOurs(labels[taskLabel] ?? "");
    }
    const hostFile = labels[ownerLabels.lockFile];
    // Of an owner whose lock cannot be seen from here nothing can be told.
    const lockFile = hostFile === undefined ? undefined : this.#options.hostPaths.fromHost(hostFile);
    return lockFile !== undefined && isOwnerGone(lockFile);
  }
}

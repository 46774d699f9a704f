import type { FrameworkId } from "../../src/mesos/types.ts";
import type { Cluster } from "./cluster.ts";
import { siteOfFramework } from "./facts.ts";
import type { Broker } from "./kafka/broker.ts";
import type { Ledger } from "./ledger.ts";
import type { Sites } from "./sites.ts";

export interface RestOptions {
  readonly broker: Broker;
  readonly cluster: Cluster;
  readonly sites: Sites;
  readonly ledger: Ledger;
}

/** How far a world is from having nothing left to do. */
export class Rest {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** Whether every partition's lag is 0. */
  get isSettled(): boolean {
    const { input, group } = this.#options.broker;
    return input.every((log, partition) => (group.committed(partition)?.offset ?? 0) === log.end);
  }

  /** No task, no executor, no offer held, and nobody who wants one. */
  get isReached(): boolean {
    const { leader, agents } = this.#options.cluster;
    if (leader === undefined) return false;
    const quiet = leader.frameworkIds.every((id) => leader.offersOf(id) === 0 && !leader.isOffered(id));
    const left = [
      ...leader.tasks().map(({ frameworkId }) => frameworkId),
      ...agents.flatMap((agent) => [...agent.frameworks]),
    ];
    return quiet && left.every((id) => this.#isOrphan(id));
  }

  describeProgress(): string {
    const { broker, sites } = this.#options;
    const partitions = broker.input.map(
      (log, partition) => `${broker.group.committed(partition)?.offset ?? "none"} of ${log.end}`,
    );
    const schedulers = sites.schedulers.map((one) => one.describe()).join("; ");
    return `committed ${partitions.join(", ")}; ${this.describe()}; ${schedulers}`;
  }

  describe(): string {
    const { leader, agents } = this.#options.cluster;
    const frameworks = (leader?.frameworkIds ?? []).map(
      (id) => `${id} holds ${leader?.offersOf(id)} offers${leader?.isOffered(id) === true ? " and wants more" : ""}`,
    );
    const tasks = (leader?.tasks() ?? []).map(({ taskId }) => taskId);
    const busy = agents.filter(({ frameworks }) => frameworks.size > 0).map((agent) => agent.describe());
    return [...frameworks, `tasks ${tasks.join(" ")}`, ...busy].join("; ");
  }

  /** A framework that no scheduler knows any more: its id was lost, and no master could tell of it. */
  #isOrphan(id: FrameworkId): boolean {
    const { cluster, ledger } = this.#options;
    const isConnected = cluster.leader?.frameworks().some((one) => one.id === id && one.connected);
    return isConnected !== true && ledger.stateLostSince(siteOfFramework(id), 0);
  }
}

import { type Random, randomInt } from "../../src/base/random.ts";
import type { Cluster } from "./cluster.ts";
import { type Fact, recordKey, siteOfFramework } from "./facts.ts";
import type { Faults, Strike } from "./faults.ts";
import type { Broker } from "./kafka/broker.ts";
import type { Programs } from "./mesos/programs.ts";
import type { Profile } from "./profile.ts";
import type { Sites } from "./sites.ts";
import type { VirtualTime } from "./time.ts";

const STOP_TIMEOUT_MS = 10_000;

export interface TroublesOptions {
  readonly profile: Pick<Profile, "strikeEveryMs">;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly sites: Sites;
  readonly broker: Broker;
  readonly cluster: Cluster;
  readonly programs: Programs;
  readonly observe: (fact: Fact) => void;
  readonly note: (text: string) => void;
}

/** What happens to the world by itself, until it heals. */
export class Troubles {
  readonly #options: TroublesOptions;

  constructor(options: TroublesOptions) {
    this.#options = options;
  }

  start(): void {
    const { time, random, faults, profile, note } = this.#options;
    const pauseMs = -Math.log(1 - random.next()) * profile.strikeEveryMs;
    time.schedule(pauseMs, () => {
      const kind = faults.draw();
      if (kind === undefined) return;
      if (this.#strike(kind)) {
        faults.count(kind);
        note(`fault: ${kind}`);
      }
      this.start();
    });
  }

  heal(): void {
    const { faults, sites, broker, cluster, programs, note } = this.#options;
    note("healing");
    faults.heal();
    broker.topicRefusedUntilMs = 0;
    programs.missingUntilMs = 0;
    cluster.heal();
    // Nobody tells when the last run of a framework that was removed has ended: a person decides.
    if (faults.counts.has("framework-removed")) sites.allowOverlap();
    for (const scheduler of sites.schedulers) scheduler.life.goOn();
  }

  /** @returns whether there was something to strike */
  #strike(kind: Strike): boolean {
    const { time, random, sites, broker, cluster, programs, observe } = this.#options;
    const pick = <T>(from: readonly T[]): T | undefined => from[randomInt(random, from.length)];
    const site = pick(sites.all);
    const scheduler = pick([...(site?.schedulers ?? [])]);
    const agent = cluster.pickAgent();
    const within = (ms: number): number => ms * random.next();
    switch (kind) {
      case "scheduler-stop":
        return scheduler?.stop(STOP_TIMEOUT_MS) ?? false;
      case "scheduler-pause":
        if (scheduler === undefined || scheduler.life.stopped) return false;
        scheduler.life.stop();
        time.schedule(within(40_000), () => scheduler.life.goOn());
        return true;
      case "second-scheduler":
        if (site === undefined || site.schedulers.size !== 1) return false;
        sites.start(site);
        // Until somebody sees that there are two.
        time.schedule(within(30_000), () => scheduler?.life.die());
        return true;
      case "state-lost":
        if (site === undefined) return false;
        site.disk.files.clear();
        observe({ type: "state-lost", site: site.name });
        return true;
      case "kafka-cut":
        scheduler?.input.cut();
        scheduler?.output.cut();
        return scheduler !== undefined;
      case "records-expired": {
        const partition = randomInt(random, broker.input.length);
        const log = broker.input[partition]!;
        const upTo = log.start + randomInt(random, log.end - log.start + 1);
        const gone = log.expire(upTo, (offset) => programs.printsNothing(recordKey(partition, offset)));
        for (const offset of gone) observe({ type: "record-expired", record: recordKey(partition, offset) });
        return gone.length > 0;
      }
      case "member-forgotten":
        broker.group.forget((count) => randomInt(random, count));
        return true;
      case "topic-refused":
        broker.topicRefusedUntilMs = time.nowMs + within(15_000);
        return true;
      case "scheduler-cut":
        return scheduler?.connection?.cut(random.next() < 0.5 ? "stream" : "calls") ?? false;
      case "master-silent":
        return scheduler?.connection?.silence() ?? false;
      case "master-failover":
        return cluster.failOver(within(10_000));
      case "framework-removed": {
        const id = pick(cluster.leader?.frameworkIds ?? []);
        if (id === undefined) return false;
        observe({ type: "framework-removed", site: siteOfFramework(id) });
        cluster.leader?.remove(id);
        return true;
      }
      case "agent-cut":
        agent?.part(within(20_000));
        return agent !== undefined;
      case "agent-unreachable":
        agent?.part(30_000 + within(120_000));
        return agent !== undefined;
      case "agent-restart":
        agent?.restart(within(10_000));
        return agent !== undefined;
      case "host-lost":
        agent?.lose();
        time.schedule(within(20_000), () => cluster.addAgent());
        return agent !== undefined;
      case "executor-crash":
        return agent?.crashExecutor(pick) ?? false;
      case "executor-cut":
        return agent?.cutExecutor(pick) ?? false;
      case "program-missing":
        programs.missingUntilMs = time.nowMs + within(10_000);
        return true;
      case "specification-changed":
        sites.change();
        return true;
    }
  }
}

import { invariant } from "../base/errors.ts";
import type { Offer, OfferId, Resource, TaskInfo } from "../mesos/types.ts";
import { type HostAccept, type HostDecline, type Launch, place } from "../placement/place.ts";
import type { Alarm } from "./alarms.ts";
import { aloneKind } from "./executor-id.ts";
import type { KeeperContext } from "./keeper-context.ts";
import { formatTaskId } from "./task-id.ts";
import type { KeeperAlarm, KeptTask } from "./task-table.ts";

/** For what stays in hand when nothing waits; REVIVE lifts it. */
const REFUSE_IDLE_SECONDS = 300;
/** For the rest of an accepted offer when nothing waits. */
const REFUSE_REST_SECONDS = 5;

/**
 * Turns offers and waiting tasks into calls: ACCEPT, DECLINE, REVIVE, SUPPRESS.
 *
 * An ACCEPT takes an agent's offers whole. So launches are not decided within each event but in rounds, set for the
 * present moment: what arrives in the same breath goes out together.
 */
export class Launcher {
  readonly #context: KeeperContext;
  #round: Alarm<KeeperAlarm> | undefined;
  #revive: Alarm<KeeperAlarm> | undefined;

  constructor(context: KeeperContext) {
    this.#context = context;
  }

  offered(offers: readonly Offer[]): void {
    const { agents, nowMs } = this.#context;
    for (const offer of offers) {
      this.#context.offers.add(offer);
      agents.offered(offer, nowMs);
    }
  }

  /** Plans what is next; called after every event. `allowed`: tasks may be launched now. */
  plan(allowed: boolean): void {
    const { backlog, offers, placed, agents, cycle, nowMs, connected } = this.#context;
    if (!connected) return;
    const waiting = allowed ? backlog.eligible : 0;
    if (waiting > 0 && offers.size > 0) this.#round = this.#atMost(this.#round, nowMs, "round");
    const situation = { waiting, offers: offers.size, placed, agents: agents.size };
    const decision = cycle.decide(situation, nowMs);
    switch (decision.type) {
      case "nothing":
        return;
      case "later":
        this.#revive = this.#atMost(this.#revive, decision.atMs, "revive");
        return;
      case "revive":
        this.#context.call({ type: "REVIVE" });
        return this.plan(allowed); // when to repeat it
      case "decline":
        this.#decline(offers.takeAll(), REFUSE_IDLE_SECONDS);
        return this.plan(allowed); // when to suppress
      case "suppress":
        this.#decline(offers.takeAll(), REFUSE_IDLE_SECONDS);
        this.#context.call({ type: "SUPPRESS" });
    }
  }

  /** Places what waits on what is in hand. Nothing unusable is kept. */
  round(): void {
    const { backlog, offers, agents, nowMs } = this.#context;
    if (backlog.eligible === 0 || offers.size === 0) return;
    const hosts = [...offers.agents()].map(([agentId, ofAgent]) => agents.host(agentId, ofAgent, nowMs));
    const placement = place({ hosts, groups: backlog.groups(), nowMs });
    for (const accept of placement.accepts) this.#accept(accept);
    backlog.remember(placement.unplaced);
    this.#declineUnusable(placement.declines);
  }

  #accept({ agentId, hostname, offerIds, launches }: HostAccept): void {
    const { offers, cycle, backlog } = this.#context;
    for (const id of offerIds) offers.remove(id);
    const taskInfos = launches.map((launch) => this.#launch(launch, agentId, hostname));
    cycle.launched();
    const refuseSeconds = backlog.eligible > 0 ? 0 : REFUSE_REST_SECONDS;
    const operations = [{ type: "LAUNCH" as const, taskInfos }];
    this.#context.call({ type: "ACCEPT", offerIds, operations, filters: { refuseSeconds } });
  }

  #launch(launch: Launch, agentId: HostAccept["agentId"], hostname: string): TaskInfo {
    const { tasks, backlog, alarms, timings, options, nowMs } = this.#context;
    const task = tasks.get(launch.key);
    invariant(task?.request !== undefined && task.shape !== undefined, `Task ${launch.key} is placed, but not wanted`);
    const { work, content } = task.request;
    const taskId = formatTaskId({ work, epoch: options.epoch, launch: ++this.#context.lastLaunch });
    const executor = this.#executor(task, launch.executorResources, agentId);
    const probeMs = backlog.launched(task, task.shape);
    if (probeMs !== undefined) alarms.set(nowMs + probeMs, { type: "shape", shapeId: task.shape.id });
    tasks.assignTaskId(task, taskId);
    task.agentId = agentId;
    task.charged = task.shape.resources;
    task.heardFromExecutor = false;
    this.#context.move(task, "launched");
    task.reconcile = { alarm: alarms.set(nowMs + timings.silentMs, { type: "reconcile", task }), tries: 0 };
    if (!task.startedTold) this.#context.emit({ type: "started", key: task.key, host: hostname });
    task.startedTold = true;
    return { ...content(), taskId, agentId, resources: launch.resources, ...executor };
  }

  #executor(
    task: KeptTask,
    startWith: readonly Resource[] | null,
    agentId: HostAccept["agentId"],
  ): Pick<TaskInfo, "executor"> {
    const template = task.request?.template.executor ?? null;
    const key = task.shape?.executor?.key;
    if (template === null || key === undefined) return {};
    const kind = task.request?.alone === true ? aloneKind(template.hash) : template.hash;
    const { agents, nowMs } = this.#context;
    const { executor, info } = agents.assign(agentId, { key, kind, template }, startWith, nowMs);
    task.executor = executor;
    return { executor: info };
  }

  #declineUnusable(declines: readonly HostDecline[]): void {
    const bySeconds = new Map<number, OfferId[]>();
    for (const { offerIds, refuseSeconds } of declines) {
      if (refuseSeconds === null) continue;
      const ids = bySeconds.get(refuseSeconds) ?? [];
      bySeconds.set(refuseSeconds, ids);
      ids.push(...offerIds);
    }
    for (const [seconds, offerIds] of bySeconds) {
      for (const id of offerIds) this.#context.offers.remove(id);
      this.#decline(offerIds, seconds);
    }
  }

  #decline(offerIds: readonly OfferId[], refuseSeconds: number): void {
    if (offerIds.length > 0) this.#context.call({ type: "DECLINE", offerIds, filters: { refuseSeconds } });
  }

  /** The alarm that is set, or an earlier one. */
  #atMost(set: Alarm<KeeperAlarm> | undefined, atMs: number, type: "round" | "revive"): Alarm<KeeperAlarm> {
    const { alarms } = this.#context;
    if (set?.pending === true && set.atMs <= atMs) return set;
    alarms.cancel(set);
    return alarms.set(atMs, { type });
  }
}

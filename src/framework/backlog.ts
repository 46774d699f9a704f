import type { BackoffOptions } from "../base/backoff.ts";
import type { AgentId } from "../mesos/types.ts";
import type { UnplacedGroup, Waiting, WaitingGroup } from "../placement/place.ts";
import { foldObstacles, type Obstacle } from "../placement/reasons.ts";
import type { Shape } from "../placement/shape.ts";
import { pauseMs } from "./pause.ts";
import type { KeptTask } from "./task-table.ts";

/** Tasks that wait for the same reason; for people. */
export interface WaitingView {
  readonly count: number;
  readonly reason: string;
}

/** The waiting tasks of one shape, in queue order. */
class Group implements WaitingGroup {
  readonly shape: Shape;
  /** By rising order, from `#head` on. Tasks that have left stay in it until they are half of it. */
  #line: KeptTask[] = [];
  #head = 0;
  readonly #queued = new Set<KeptTask>();
  /** What stood in the way, at the last look at each agent. */
  readonly obstacles = new Map<AgentId, Obstacle>();
  /** Refusals by Mesos since a task of this shape was last taken. */
  refusals = 0;
  refusal = "";
  paused = false;

  constructor(shape: Shape) {
    this.shape = shape;
  }

  get size(): number {
    return this.#queued.size;
  }

  get waiting(): Iterable<Waiting> {
    return this.#inOrder();
  }

  add(task: KeptTask): void {
    this.#queued.add(task);
    const last = this.#line.at(-1);
    if (last === undefined || last.order < task.order) this.#line.push(task);
    else this.#insert(task);
  }

  remove(task: KeptTask): boolean {
    if (!this.#queued.delete(task)) return false;
    if (this.#line.length > 2 * this.#queued.size + 32) {
      this.#line = this.#line.filter((one, index) => index >= this.#head && this.#queued.has(one));
      this.#head = 0;
    }
    return true;
  }

  /** Only one is tried while Mesos refuses them. */
  *#inOrder(): Generator<Waiting> {
    for (let at = this.#head; at < this.#line.length; at++) {
      const task = this.#line[at] as KeptTask;
      if (this.#queued.has(task)) {
        yield task;
        if (this.refusals > 0) return;
      } else if (at === this.#head) {
        this.#head++;
      }
    }
  }

  /** A task whose launch failed returns to its old place. */
  #insert(task: KeptTask): void {
    let low = this.#head;
    let high = this.#line.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#line[middle]?.order ?? Infinity) < task.order) low = middle + 1;
      else high = middle;
    }
    // It may still stand there from its former turn.
    if (this.#line[low] !== task) this.#line.splice(low, 0, task);
  }
}

/**
 * The tasks that wait for an offer, grouped by shape, so that ten thousand equal ones cost no more than one.
 *
 * A shape that Mesos refuses pauses as a whole, and then one task at a time finds out whether it is still refused.
 */
export class Backlog {
  readonly #groups = new Map<string, Group>();
  readonly #retry: BackoffOptions;
  #eligible = 0;

  constructor(retry: BackoffOptions) {
    this.#retry = retry;
  }

  /** Tasks that could be launched now, if there were room. */
  get eligible(): number {
    return this.#eligible;
  }

  /** @returns whether it is the first of its shape: then offers that were declined earlier may do for it */
  add(task: KeptTask, shape: Shape): boolean {
    let group = this.#groups.get(shape.id);
    if (group === undefined) {
      group = new Group(shape);
      this.#groups.set(shape.id, group);
    }
    group.add(task);
    if (!group.paused) this.#eligible++;
    return group.size === 1 && !group.paused;
  }

  remove(task: KeptTask, shape: Shape): void {
    const group = this.#groups.get(shape.id);
    if (group === undefined || !group.remove(task)) return;
    if (!group.paused) this.#eligible--;
    this.#dropIfIdle(group);
  }

  *groups(): Iterable<WaitingGroup> {
    for (const group of this.#groups.values()) if (!group.paused && group.size > 0) yield group;
  }

  /** Remembers why, for {@link view}. */
  remember(unplaced: readonly UnplacedGroup[]): void {
    for (const { shape, obstacles } of unplaced) {
      const group = this.#groups.get(shape.id);
      for (const { agentId, obstacle } of obstacles) group?.obstacles.set(agentId, obstacle);
    }
  }

  forgetAgent(agentId: AgentId): void {
    for (const group of this.#groups.values()) group.obstacles.delete(agentId);
  }

  /**
   * Mesos refused a task of this shape.
   * @returns how long the shape pauses, and how often it was refused in a row
   */
  refused(shape: Shape, message: string): { readonly pauseMs: number; readonly refusals: number } {
    const group = this.#groups.get(shape.id) ?? new Group(shape);
    this.#groups.set(shape.id, group);
    group.refusals++;
    group.refusal = message;
    this.#pause(group, true);
    return { pauseMs: pauseMs(this.#retry, group.refusals), refusals: group.refusals };
  }

  /**
   * A task of this shape was launched. Where it is to find out if Mesos still refuses them, the others wait for its
   * fate, for so many milliseconds.
   */
  launched(task: KeptTask, shape: Shape): number | undefined {
    this.remove(task, shape);
    const group = this.#groups.get(shape.id);
    if (group === undefined || group.refusals === 0) return undefined;
    this.#pause(group, true);
    return pauseMs(this.#retry, group.refusals);
  }

  /** The client has released it. */
  forget(task: KeptTask, shape: Shape): void {
    this.remove(task, shape);
    if (this.#groups.get(shape.id)?.size === 0) this.#groups.delete(shape.id);
  }

  /** The pause is over. @returns whether something waits */
  resume(shapeId: string): boolean {
    const group = this.#groups.get(shapeId);
    if (group === undefined) return false;
    this.#pause(group, false);
    return group.size > 0;
  }

  /** Mesos took a task of this shape. @returns whether it had been refused before */
  taken(shape: Shape): boolean {
    const group = this.#groups.get(shape.id);
    if (group === undefined || group.refusals === 0) return false;
    group.refusals = 0;
    this.#pause(group, false);
    this.#dropIfIdle(group);
    return true;
  }

  view(nowMs: number): WaitingView[] {
    const views: WaitingView[] = [];
    for (const group of this.#groups.values()) {
      if (group.size === 0) continue;
      const reason =
        group.refusals > 0
          ? `Mesos refuses the task: ${group.refusal}`
          : foldObstacles(group.shape, group.obstacles.values(), nowMs);
      views.push({ count: group.size, reason });
    }
    return views;
  }

  #pause(group: Group, paused: boolean): void {
    if (group.paused === paused) return;
    group.paused = paused;
    this.#eligible += paused ? -group.size : group.size;
  }

  #dropIfIdle(group: Group): void {
    if (group.size === 0 && group.refusals === 0) this.#groups.delete(group.shape.id);
  }
}

import { assertNever } from "../../base/errors.ts";
import type { Machine } from "../../base/step-loop.ts";

/** Containers of one kind are equal: they were made for the same version of a specification. */
export interface ContainerKind {
  readonly id: string;
  /** Containers that wait for runs which have not come yet. */
  readonly ready: number;
  /** Containers at once, whatever they do. */
  readonly limit: number;
  /** A container is given to so many runs, one after the other. */
  readonly maxUses: number;
  /** One that no run took for so long is removed. */
  readonly idleMs: number;
}

export type PoolEvent<End> =
  /** A run needs a container. Answered by one of `give`, `run-fresh` and `end`, unless `unwanted` comes first. */
  | { readonly type: "wanted"; readonly run: string; readonly kind: ContainerKind }
  | { readonly type: "unwanted"; readonly run: string }
  /** It waits for a run. */
  | { readonly type: "made"; readonly container: string }
  | { readonly type: "not-made"; readonly container: string; readonly end: End }
  /** It ended by itself while no run was in it; of one that was given: before the run could begin. */
  | { readonly type: "exited"; readonly container: string; readonly message: string }
  /** The Engine is gone, and the container with it. */
  | { readonly type: "lost"; readonly container: string }
  /** The run in it is over, and what it left behind is being cleared away. */
  | { readonly type: "over"; readonly container: string }
  /** The run in it is over and cleared away. */
  | { readonly type: "left"; readonly container: string; readonly reusable: boolean }
  | { readonly type: "wake" }
  | { readonly type: "close" };

export type PoolCommand<End> =
  /** Make one under this name, which is never used again. Answered by `made`, `not-made` or `lost`. */
  | { readonly type: "make"; readonly container: string; readonly kind: ContainerKind }
  /** Begin the run in it. Answered by `left` or `exited`. */
  | { readonly type: "give"; readonly container: string; readonly run: string }
  /** Run it in a fresh container of its own. */
  | { readonly type: "run-fresh"; readonly run: string }
  | { readonly type: "end"; readonly run: string; readonly end: End }
  /** It is not needed any more, whatever became of it. Once for each that was made. */
  | { readonly type: "remove"; readonly container: string }
  /** No containers of this kind are kept any more, because one ended before it got anything to do. */
  | { readonly type: "turned-off"; readonly kind: ContainerKind; readonly message: string };

interface Container {
  readonly name: string;
  readonly kind: ContainerKind;
  state:
    | { readonly type: "making" }
    | { readonly type: "idle"; readonly sinceMs: number }
    | { readonly type: "busy"; readonly run: string }
    | { readonly type: "clearing" };
  /** Runs that have left it. */
  uses: number;
}

interface WaitingRun {
  readonly run: string;
  readonly kind: ContainerKind;
}

/**
 * Which containers are made ahead of their runs, and who gets them.
 *
 * Pure: what runs want and what becomes of containers goes in, what is to be done comes out.
 *
 * - There are never more than `limit` containers, those that are being made or in use included: somebody has paid for
 *   so many and no more.
 * - A run gets an idle container, or waits for the next one. It does not wait where none is under way and there is room.
 * - The kind of the run that came last is the one that is kept ready. Those of another make room one by one, so that a
 *   stray run of an old version costs no more than one container.
 * - Nothing is made ahead until a first one has come up: what cannot be made is tried by a run, and its failure is that
 *   run's.
 * - Where one ends before its first run, none of its kind are kept any more: such a program does not wait.
 */
export class ContainerPool<End> implements Machine<PoolEvent<End>, PoolCommand<End>> {
  readonly #containers = new Map<string, Container>();
  #waiting: WaitingRun[] = [];
  /** Why kinds are not kept any more, by their ids. */
  readonly #off = new Map<string, string>();
  /** The kind that is kept ready. */
  #target: ContainerKind | undefined;
  /** Whether one of the target has come up since the last that could not be made, or was lost. */
  #proven = false;
  #closed = false;
  #names = 0;
  #nowMs = 0;
  #commands: PoolCommand<End>[] = [];

  step(event: PoolEvent<End>, nowMs: number): PoolCommand<End>[] {
    this.#nowMs = nowMs;
    this.#handle(event);
    this.#serve();
    this.#keepReady();
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  get wakeAtMs(): number | undefined {
    const times = [...this.#containers.values()].map(idleUntilMs);
    const atMs = Math.min(...times);
    return atMs === Infinity ? undefined : atMs;
  }

  /** Whether it was made, or is being made, and is not removed yet. */
  has(container: string): boolean {
    return this.#containers.has(container);
  }

  /** Why containers of this kind are not kept, where that is so. */
  whyOff(kindId: string): string | undefined {
    return this.#off.get(kindId);
  }

  #handle(event: PoolEvent<End>): void {
    switch (event.type) {
      case "wanted":
        return this.#wanted(event);
      case "unwanted":
        this.#waiting = this.#waiting.filter(({ run }) => run !== event.run);
        return;
      case "made":
        return this.#hasBeenMade(event.container);
      case "not-made":
        return this.#cannotBeMade(event.container, event.end);
      case "exited":
        return this.#exited(event.container, event.message);
      case "lost":
        if (!this.#containers.has(event.container)) return;
        this.#proven = false;
        return this.#remove(this.#containers.get(event.container));
      case "over":
        return this.#isOver(event.container);
      case "left":
        return this.#left(event.container, event.reusable);
      case "wake":
        for (const one of [...this.#containers.values()]) if (idleUntilMs(one) <= this.#nowMs) this.#remove(one);
        return;
      case "close":
        this.#closed = true;
        for (const one of [...this.#containers.values()]) if (!isTaken(one)) this.#remove(one);
        return;
      default:
        return assertNever(event);
    }
  }

  #wanted({ run, kind }: WaitingRun): void {
    if (this.#target?.id !== kind.id) this.#proven = false;
    this.#target = kind;
    this.#waiting.push({ run, kind });
  }

  #hasBeenMade(name: string): void {
    const container = this.#containers.get(name);
    if (container?.state.type !== "making") return;
    container.state = { type: "idle", sinceMs: this.#nowMs };
    if (container.kind.id === this.#target?.id) this.#proven = true;
  }

  #cannotBeMade(name: string, end: End): void {
    const container = this.#containers.get(name);
    if (container === undefined) return;
    this.#remove(container);
    this.#proven = false;
    const index = this.#waiting.findIndex(({ kind }) => kind.id === container.kind.id);
    const [first] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (first !== undefined) this.#commands.push({ type: "end", run: first.run, end });
  }

  #exited(name: string, message: string): void {
    const container = this.#containers.get(name);
    if (container === undefined) return;
    const { kind, state, uses } = container;
    if (state.type === "busy") this.#waiting.unshift({ run: state.run, kind });
    this.#remove(container);
    if (uses === 0) this.#turnOff(kind, message);
  }

  #turnOff(kind: ContainerKind, message: string): void {
    if (this.#off.has(kind.id)) return;
    this.#off.set(kind.id, message);
    this.#commands.push({ type: "turned-off", kind, message });
    for (const one of this.#of(kind)) if (!isTaken(one)) this.#remove(one);
  }

  #isOver(name: string): void {
    const container = this.#containers.get(name);
    if (container?.state.type === "busy") container.state = { type: "clearing" };
  }

  #left(name: string, reusable: boolean): void {
    const container = this.#containers.get(name);
    if (container === undefined || !isTaken(container)) return;
    container.uses++;
    const { kind, uses } = container;
    if (!reusable || uses >= kind.maxUses || this.#closed || this.#off.has(kind.id)) this.#remove(container);
    else container.state = { type: "idle", sinceMs: this.#nowMs };
  }

  /** Gives what is idle to those that wait, and sees to it that what they lack is made. */
  #serve(): void {
    this.#waiting = this.#waiting.filter(({ run, kind }) => {
      if (this.#closed || this.#off.has(kind.id)) {
        this.#commands.push({ type: "run-fresh", run });
        return false;
      }
      // The one that was used last: the others may be too many.
      const idle = this.#of(kind).filter(({ state }) => state.type === "idle");
      const container = idle.toSorted((a, b) => idleSinceMs(a) - idleSinceMs(b)).at(-1);
      if (container === undefined) return true;
      container.state = { type: "busy", run };
      this.#commands.push({ type: "give", container: container.name, run });
      return false;
    });
    for (const [id, runs] of Map.groupBy(this.#waiting, ({ kind }) => kind.id)) {
      const kind = (runs[0] as WaitingRun).kind;
      for (let lacking = runs.length - this.#comingUp(kind); lacking > 0; lacking--) {
        if (this.#containers.size >= kind.limit) this.#remove(this.#idleOfOthers(id));
        if (this.#containers.size >= kind.limit) break;
        this.#make(kind);
      }
    }
  }

  #keepReady(): void {
    const target = this.#target;
    if (target === undefined || !this.#proven || this.#closed || this.#off.has(target.id)) return;
    for (;;) {
      const unused = this.#of(target).filter((one) => !isTaken(one)).length;
      const room = target.limit - this.#containers.size;
      for (let left = Math.min(room, target.ready - unused); left > 0; left--) this.#make(target);
      // One by one: the next makes room when this one is up.
      const other = this.#idleOfOthers(target.id);
      if (other === undefined || this.#waiting.length > 0 || this.#comingUp(target) > 0) return;
      this.#remove(other);
    }
  }

  #make(kind: ContainerKind): void {
    const name = `kept-${++this.#names}`;
    this.#containers.set(name, { name, kind, state: { type: "making" }, uses: 0 });
    this.#commands.push({ type: "make", container: name, kind });
  }

  #remove(container: Container | undefined): void {
    if (container === undefined) return;
    this.#containers.delete(container.name);
    this.#commands.push({ type: "remove", container: container.name });
  }

  #of(kind: ContainerKind): Container[] {
    return [...this.#containers.values()].filter(isOf(kind));
  }

  /** Those that will be idle in a moment. */
  #comingUp(kind: ContainerKind): number {
    const isNext = ({ state, uses }: Container): boolean =>
      state.type === "making" || (state.type === "clearing" && uses + 1 < kind.maxUses);
    return this.#of(kind).filter(isNext).length;
  }

  #idleOfOthers(kindId: string): Container | undefined {
    return [...this.#containers.values()].find(({ kind, state }) => kind.id !== kindId && state.type === "idle");
  }
}

const isOf =
  (kind: ContainerKind) =>
  (one: { readonly kind: ContainerKind }): boolean =>
    one.kind.id === kind.id;

/** A run is in it. */
function isTaken({ state }: Container): boolean {
  return state.type === "busy" || state.type === "clearing";
}

/** -Infinity: it is not idle. */
function idleSinceMs({ state }: Container): number {
  return state.type === "idle" ? state.sinceMs : -Infinity;
}

/** Infinity: for as long as anybody likes. */
function idleUntilMs({ state, kind }: Container): number {
  return state.type === "idle" ? state.sinceMs + kind.idleMs : Infinity;
}

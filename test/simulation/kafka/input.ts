import { randomInt } from "../../../src/base/random.ts";
import type { AssignmentEpoch, Input, InputEvent, OffsetCommit } from "../../../src/engine/ports.ts";
import type { Holding } from "../../../src/kafka/assignor.ts";
import { RequestLine } from "../network.ts";
import type { ProcessContext } from "../process-context.ts";
import type { Broker } from "./broker.ts";
import type { CommittedOffset, JoinAnswer } from "./coordinator.ts";

const HEARTBEAT_MS = 2000;
/** The rebalance time-out of the group, and a little. */
const JOIN_TIMEOUT_MS = 35_000;
const RETRY_MS = 300;

interface Membership extends JoinAnswer {
  /** Over as soon as the group has to be joined again. */
  over: boolean;
}

interface Held {
  readonly epoch: AssignmentEpoch;
  readonly membership: Membership;
  readonly positions: Map<number, number>;
  readonly paused: Set<number>;
  readonly fetching: Set<number>;
}

/**
 * The adapter of src/kafka/input.ts as the engine sees it, over a modelled network: joins the group, heartbeats, reads,
 * commits, and joins again whenever its membership or its connection is over. A commit is repeated until the coordinator
 * has answered or the assignment is no longer held; positions are read only after all commits have ended.
 */
export class SimulatedInput implements Input {
  readonly #context: ProcessContext;
  readonly #broker: Broker;
  readonly #options: { readonly fetchRecords: number; readonly onReceived: () => void };
  #onEvent: (event: InputEvent) => void = () => undefined;
  #line: RequestLine | undefined;
  #memberId = "";
  #holding: Holding = { generation: 0, partitions: [] };
  #epoch = 0;
  #held: Held | undefined;
  #commits = 0;
  #onCommitsEnded: (() => void) | undefined;
  #closed = false;

  constructor(
    context: ProcessContext,
    broker: Broker,
    options: { readonly fetchRecords: number; readonly onReceived: () => void },
  ) {
    this.#context = context;
    this.#broker = broker;
    this.#options = options;
  }

  async start(onEvent: (event: InputEvent) => void): Promise<void> {
    this.#onEvent = onEvent;
    this.#connect();
  }

  seek(epoch: AssignmentEpoch, partition: number, offset: number): void {
    if (this.#held?.epoch !== epoch) return;
    this.#held.positions.set(partition, offset);
    this.#fetch(this.#held, partition);
  }

  pause(partitions: readonly number[]): void {
    for (const partition of partitions) this.#held?.paused.add(partition);
  }

  resume(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.#held?.paused.delete(partition);
      if (this.#held !== undefined) this.#fetch(this.#held, partition);
    }
  }

  commit(epoch: AssignmentEpoch, offsets: readonly OffsetCommit[]): Promise<void> {
    const held = this.#held;
    if (held?.epoch !== epoch) return Promise.reject(this.#stale());
    for (const { partition, offset, metadata } of offsets) {
      const { name } = this.#context;
      if (this.#context.life.alive) {
        this.#context.observe({ type: "commit-sent", scheduler: name, partition, offset, metadata });
      }
    }
    const map = new Map(offsets.map(({ partition, offset, metadata }) => [partition, { offset, metadata }]));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#commits++;
    const end = (finish: () => void): void => {
      this.#commits--;
      finish();
      if (this.#commits === 0) this.#onCommitsEnded?.();
    };
    this.#tryCommit(held, map, {
      done: () => end(resolve),
      failed: (error) => end(() => reject(error)),
    });
    return promise;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#held = undefined;
    const { group } = this.#broker;
    const memberId = this.#memberId;
    this.#context.effect(() =>
      this.#line?.request<void>(() => group.leave(memberId), { answered: () => undefined, lost: () => undefined }),
    );
  }

  /** The connection to Kafka breaks; another is made after a while. */
  cut(): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    if (this.#held !== undefined) this.#held.membership.over = true;
    this.#held = undefined;
    line.cut();
    this.#emit({ type: "interrupted", error: new Error("the connection was cut") });
    this.#later(() => this.#connect());
  }

  // ------------------------------------------------------------------------------------------------- the membership

  #connect(): void {
    if (this.#closed || this.#line !== undefined) return;
    const { time, random, life } = this.#context;
    this.#line = new RequestLine(time, random, life);
    this.#join(this.#line);
  }

  #join(line: RequestLine): void {
    const { name } = this.#context;
    const { group } = this.#broker;
    if (this.#memberId === "") {
      const giveId = (answer: (id: string) => void): void => answer(group.newMemberId(name));
      return this.#request<string>(line, giveId, (memberId) => {
        this.#memberId = memberId;
        this.#join(line);
      });
    }
    // The coordinator answers the last request of a member, which may be one that an older connection brought late.
    const { clock } = this.#context.life;
    const cancelDeadline = clock.schedule(JOIN_TIMEOUT_MS, () => this.#line === line && this.cut());
    this.#request<JoinAnswer | "unknown-member">(
      line,
      (answer) => group.join(this.#memberId, name, this.#holding, answer),
      (answer) => {
        cancelDeadline();
        if (answer === "unknown-member") {
          this.#memberId = "";
          return this.#join(line);
        }
        const { generation, partitions } = answer;
        this.#holding = { generation, partitions };
        const membership = { ...answer, over: false };
        this.#beat(line, membership);
        this.#readPositions(line, membership);
      },
    );
  }

  #beat(line: RequestLine, membership: Membership): void {
    this.#context.life.clock.schedule(HEARTBEAT_MS, () => {
      if (membership.over || this.#line !== line) return;
      const { memberId, generation } = membership;
      this.#request<"ok" | "rebalance" | "unknown-member">(
        line,
        (answer) => answer(this.#broker.group.heartbeat(memberId, generation)),
        (answer) => {
          if (answer === "ok") return this.#beat(line, membership);
          membership.over = true;
          if (answer === "unknown-member") this.#memberId = "";
          this.#join(line);
        },
      );
    });
  }

  /** From here on a commit of the last assignment is refused; those under way may still count, and are waited for. */
  #readPositions(line: RequestLine, membership: Membership): void {
    this.#held = undefined;
    if (this.#commits > 0) {
      this.#onCommitsEnded = () => {
        this.#onCommitsEnded = undefined;
        if (!membership.over && this.#line === line) this.#readPositions(line, membership);
      };
      return;
    }
    const read = (): readonly (CommittedOffset | null)[] =>
      membership.partitions.map((partition) => this.#broker.group.committed(partition));
    this.#request<readonly (CommittedOffset | null)[]>(
      line,
      (answer) => answer(read()),
      (committed) => {
        if (!membership.over) this.#hold(membership, committed);
      },
    );
  }

  #hold(membership: Membership, committed: readonly (CommittedOffset | null)[]): void {
    const { partitions } = membership;
    const epoch = ++this.#epoch;
    const { name, observe } = this.#context;
    observe({ type: "positions-read", scheduler: name, partitions });
    this.#held = { epoch, membership, positions: new Map(), paused: new Set(partitions), fetching: new Set() };
    this.#emit({
      type: "assigned",
      epoch,
      partitions: partitions.map((partition, index) => ({
        partition,
        committed: committed[index] ?? null,
        logStartOffset: this.#broker.input[partition]?.start ?? 0,
        logEndOffset: this.#broker.input[partition]?.end ?? 0,
      })),
    });
  }

  // -------------------------------------------------------------------------------------------------------- reading

  #fetch(held: Held, partition: number): void {
    const line = this.#line;
    const from = held.positions.get(partition);
    if (line === undefined || from === undefined || held.paused.has(partition) || held.fetching.has(partition)) return;
    const log = this.#broker.input[partition];
    if (log === undefined || held !== this.#held || held.membership.over) return;
    held.fetching.add(partition);
    const maxRecords = 1 + randomInt(this.#context.random, this.#options.fetchRecords);
    this.#request<{ readonly batch: ReturnType<typeof log.read>; readonly end: number }>(
      line,
      (answer) => log.whenBeyond(from, () => answer({ batch: log.read(from, maxRecords), end: log.end })),
      ({ batch, end }) => {
        held.fetching.delete(partition);
        if (held !== this.#held || held.membership.over) return;
        if (held.positions.get(partition) !== from) return this.#fetch(held, partition);
        // Where to go on is the engine's decision.
        if (batch === "out-of-range") return this.#readPositions(line, held.membership);
        const { records, nextOffset } = batch;
        held.positions.set(partition, nextOffset);
        const { epoch } = held;
        this.#emit({ type: "received", epoch, partition, records, nextOffset, highWatermark: end });
        this.#options.onReceived();
        this.#fetch(held, partition);
      },
    );
  }

  // ------------------------------------------------------------------------------------------------------- commits

  #tryCommit(
    held: Held,
    offsets: ReadonlyMap<number, CommittedOffset>,
    ended: { readonly done: () => void; readonly failed: (error: Error) => void },
  ): void {
    const { faults } = this.#context;
    const again = (): void => {
      if (this.#held !== held) return ended.failed(this.#stale());
      this.#later(() => (this.#held === held ? this.#tryCommit(held, offsets, ended) : ended.failed(this.#stale())));
    };
    const line = this.#line;
    if (line === undefined) return again();
    const { memberId, generation } = held.membership;
    if (faults.strike("commit-failed")) {
      return this.#later(() => ended.failed(new Error("the coordinator answers with an error")));
    }
    if (faults.strike("commit-request-lost")) return again();
    const answerLost = faults.strike("commit-answer-lost");
    if (faults.strike("commit-cut"))
      this.#context.life.clock.schedule(3 * this.#context.random.next(), () => this.cut());
    this.#context.effect(() =>
      line.request<"ok" | "stale">((answer) => answer(this.#broker.group.commit(memberId, generation, offsets)), {
        answered: (answer) => {
          if (answerLost) again();
          else if (answer === "ok") ended.done();
          else ended.failed(this.#stale());
        },
        lost: again,
      }),
    );
  }

  #stale(): Error {
    return new this.#context.machines.StaleAssignmentError("Cannot commit offsets: the group has gone on");
  }

  // ---------------------------------------------------------------------------------------------------------- rest

  /** The cut of the line, which is the only way to lose an answer here, starts everything anew. */
  #request<T>(line: RequestLine, serve: (answer: (value: T) => void) => void, answered: (value: T) => void): void {
    this.#context.effect(() =>
      line.request<T>(serve, {
        answered: (value) => {
          if (!this.#closed && this.#line === line) answered(value);
        },
        lost: () => undefined,
      }),
    );
  }

  #later(run: () => void): void {
    this.#context.life.clock.schedule(RETRY_MS * (0.5 + this.#context.random.next()), run);
  }

  #emit(event: InputEvent): void {
    if (!this.#closed && this.#context.life.alive) this.#onEvent(event);
  }
}

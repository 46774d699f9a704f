/** A bug, planted by one replacement in a copy of the production code. */
export type Mutant = {
  readonly name: string;
  /** Under src/. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
} & (
  | {
      /** It has to be caught within so many seeds. */
      readonly seeds: number;
    }
  | {
      /**
       * Under test/unit: what has to catch it. It shows in a conjunction that comes up once in thousands of histories.
       */
      readonly unitTest: string;
    }
);

const LIVES = "engine/record-lives.ts";
const OUTBOX = "engine/outbox.ts";
const OWNERSHIP = "engine/ownership.ts";
const COMMITS = "engine/commit-cycle.ts";
const KEEPER = "framework/keeper.ts";
const TASKS = "framework/task-lives.ts";

/** Each is a mistake that somebody could make; several have been made. */
export const mutants: readonly Mutant[] = [
  {
    name: "commit the highest offset in place of the lowest",
    file: COMMITS,
    find: "offset: done.watermark, metadata };",
    replace: "offset: done.end, metadata };",
    seeds: 20,
  },
  {
    name: "commit before produce",
    file: OUTBOX,
    find: `    open.enter("sending");`,
    replace: `    open.enter("sending");
    open.partition.done.add(open.record.offset);
    this.#context.commits.changed(open.partition);`,
    seeds: 20,
  },
  {
    name: "acknowledge a result when its output is written, before the commit",
    file: OUTBOX,
    find: "    partition.uncommitted.push(open);",
    replace: `    partition.uncommitted.push(open);
    for (const run of open.runs) this.#context.runs.release(run);`,
    seeds: 20,
  },
  {
    name: "acknowledge a result when it is handed to Kafka",
    file: LIVES,
    find: `    this.#outbox.take(open, { as: records.length > 0 ? "output" : "dropped", spec, records });`,
    replace: `    this.#outbox.take(open, { as: records.length > 0 ? "output" : "dropped", spec, records });
    this.#context.runs.release(run);`,
    seeds: 20,
  },
  {
    name: "acknowledge every terminal update at once",
    file: TASKS,
    find: "    if (!isTerminal(status.state) || agentId === undefined) return this.#acknowledgeNow(status);",
    replace: "    if (agentId !== undefined) return this.#acknowledgeNow(status);",
    seeds: 20,
  },
  {
    name: "acknowledge the failure that decides a record before its error record is committed",
    file: LIVES,
    find: "    if (!open.decided) runs.release(run);",
    replace: "    runs.release(run);",
    seeds: 20,
  },
  {
    name: "write no metadata",
    file: COMMITS,
    find: "offset: done.watermark, metadata };",
    replace: `offset: done.watermark, metadata: "" };`,
    seeds: 20,
  },
  {
    name: "ignore the metadata at a take-over",
    file: "engine/take-over.ts",
    find: "    for (const [first, end] of above.runs) state.done.addRange(first, end);",
    replace: "",
    seeds: 60,
  },
  {
    name: "keep a tracker although another owner has committed",
    file: OWNERSHIP,
    find: "if (!isUnchanged(state.committed, from) || state.position > from.logEndOffset) return undefined;",
    replace: "if (state.position > from.logEndOffset) return undefined;",
    seeds: 500,
  },
  {
    name: "keep the runs of a partition that was given to another",
    file: OWNERSHIP,
    find: "if (!assigned.has(state.partition)) this.#drop(state);",
    replace: "if (state.partition < 0) this.#drop(state);",
    seeds: 100,
  },
  {
    name: "forget a commit without an answer when another is tried",
    file: COMMITS,
    find: "      partition.unanswered.push(commit);",
    replace: "      partition.unanswered = [commit];",
    seeds: 500,
  },
  {
    name: "hold results whose record was settled before the assignment",
    file: OWNERSHIP,
    find: "    this.#lives.abandonHeld((partition, offset) => owned.get(partition)?.done.has(offset) === true);",
    replace: "",
    seeds: 1000,
  },
  {
    name: "let go of found runs whose partition the first assignment gives to a dead member",
    file: "engine/held-runs.ts",
    find: "nowMs + this.#foreignHoldMs);",
    replace: "nowMs);",
    seeds: 500,
  },
  {
    name: "wait for offsets that nobody can read",
    file: "engine/partition-state.ts",
    find: "    this.done.addRange(this.position, offset);",
    replace: "",
    seeds: 10,
  },
  {
    name: "pass the missing offset of a record that has expired, though a run of it is found",
    file: OWNERSHIP,
    find: ".filter((offset) => !state.done.has(offset));",
    replace: ".filter(() => false);",
    seeds: 200,
  },
  {
    name: "pass missing offsets before it is known what runs",
    file: OWNERSHIP,
    find: "    if (!runnerReady) {",
    replace: "    if (!runnerReady && to < 0) {",
    seeds: 1500,
  },
  {
    name: "read on, however much is in flight",
    file: "engine/flow-control.ts",
    find: "const paused = !open || state.span >= bounds.span || state.waits;",
    replace: "const paused = state.waits;",
    seeds: 60,
  },
  {
    name: "start the next of a key before the output is acknowledged",
    file: OUTBOX,
    find: `    open.enter("sending");`,
    replace: `    open.enter("sending");
    const following = this.#context.lanes.leave(open);
    if (following?.phase === "blocked") this.#context.agenda.makeReady(following);`,
    seeds: 60,
  },
  {
    name: "let a record that is tried again lose its place",
    file: LIVES,
    find: "    this.#context.agenda.wait(open, this.#context.nowMs + delayMs);",
    replace: `    this.#context.agenda.wait(open, this.#context.nowMs + delayMs);
    const following = this.#context.lanes.leave(open);
    if (following?.phase === "blocked") this.#context.agenda.makeReady(following);`,
    seeds: 60,
  },
  {
    name: "send what was found ahead of its turn",
    file: OUTBOX,
    find: "    if (!lanes.isTurnOf(open)) return;",
    replace: "",
    seeds: 500,
  },
  {
    name: "run again what was found ahead of its turn",
    file: LIVES,
    find: "      if (!lanes.isTurnOf(open)) {",
    replace: "      if (!lanes.isTurnOf(open) && open.runs.length > 0) {",
    unitTest: "engine/found-ahead.test.ts",
  },
  {
    name: "retry without counting",
    file: LIVES,
    find: "    open.partition.failedAttempts.set(offset, Math.max(open.attempts, number));",
    replace: "",
    seeds: 20,
  },
  {
    name: "give up after the first failure",
    file: LIVES,
    find: "open.attempts < retry.attempts",
    replace: "open.attempts < 1",
    seeds: 40,
  },
  {
    name: "run a suspect beside others",
    file: LIVES,
    find: "    const alone = open.losses >= SUSPECT_LOSSES;",
    replace: "    const alone = open.losses >= 1000;",
    seeds: 60,
  },
  {
    name: "drop the late result of a twin",
    file: LIVES,
    find: `    if (verdict.type === "success") return this.#succeed(run, result);`,
    replace: `    if (verdict.type === "success" && wasMissing) return runs.release(run);
    if (verdict.type === "success") return this.#succeed(run, result);`,
    seeds: 1000,
  },
  {
    name: "forget the epoch in the task id",
    file: "framework/launcher.ts",
    find: "const taskId = formatTaskId({ work, epoch: options.epoch,",
    replace: "const taskId = formatTaskId({ work, epoch: 1,",
    seeds: 200,
  },
  {
    name: "use an epoch that was not stored",
    file: "meta/identity.ts",
    find: "  await saveIdentity(store, processor, identity);\n",
    replace: "",
    seeds: 300,
  },
  {
    name: "settle what an earlier life has started by the present specification",
    file: LIVES,
    find: "const known = spec ?? this.#context.versions.of(version);",
    replace: "const known = spec ?? this.#context.spec;",
    seeds: 200,
  },
  {
    name: "settle every result by the present specification",
    file: LIVES,
    find: "const known = spec ?? this.#context.versions.of(version);",
    replace: "const known = this.#context.spec;",
    seeds: 200,
  },
  {
    name: "start runs of a version that is not stored yet",
    file: "engine/engine.ts",
    find: `    await this.#options.versions?.remember(settlingSpec(spec));
    this.#handle`,
    replace: `    void this.#options.versions?.remember(settlingSpec(spec));
    this.#handle`,
    unitTest: "engine/engine-versions.test.ts",
  },
  {
    name: "forget a version while its runs may be alive",
    file: "engine/live-versions.ts",
    find: "return bound !== undefined && committed !== null && committed.offset >= bound;",
    replace: "return bound !== undefined && committed !== null;",
    seeds: 200,
  },
  {
    name: "forget versions before it is known what runs",
    file: "engine/tracker.ts",
    find: "if (!runnerReady || epoch === 0 || held.size > 0) return;",
    replace: "if (epoch === 0) return;",
    unitTest: "engine/live-versions.test.ts",
  },
  {
    name: "run a record although another run of it or of its key may be alive",
    file: LIVES,
    find: "    if (!forbidsOverlap) return undefined;",
    replace: "    if (!forbidsOverlap || open !== undefined) return undefined;",
    unitTest: "engine/overlap.test.ts",
  },
  {
    name: "overlap: let go of a cancelled run before it is dead",
    file: "engine/runs.ts",
    find: `if (phase === "ended" || !this.#options.forbidsOverlap()) return this.release(run);`,
    replace: "if (phase !== undefined) return this.release(run);",
    seeds: 1000,
  },
  {
    name: "overlap: let go of a found run of another's partition before it is dead",
    file: "engine/runs.ts",
    find: "if (forbidsOverlap()) survivors",
    replace: "if (forbidsOverlap() && partition < 0) survivors",
    unitTest: "engine/overlap.test.ts",
  },
  {
    name: "overlap: pass by a found run whose key is not known yet",
    file: LIVES,
    find: "    return held.aliveIn(open.record.partition);",
    replace: "    return undefined;",
    unitTest: "engine/overlap.test.ts",
  },
  {
    name: "overlap: pass by a run whose record has expired",
    file: LIVES,
    find: "if (run !== undefined) return run.id;\n    }",
    replace: "if (run === undefined) return undefined;\n    }",
    unitTest: "engine/overlap.test.ts",
  },
  {
    name: "overlap: pass by a run of the lane that was found ahead of its turn",
    file: LIVES,
    find: "survivors.before(open) ?? lanes.runBeside(open);",
    replace: "survivors.before(open);",
    unitTest: "engine/overlap.test.ts",
  },
  {
    name: "overlap: wait for an end that is known already",
    file: LIVES,
    find: "if (runs.get(runId) === undefined && !survivors.has(runId)) continue;",
    replace: "if (runs.get(runId) === undefined) continue;",
    unitTest: "engine/overlap.test.ts",
  },
  {
    name: "overlap: take a run whose record has expired for one without a key",
    file: "engine/runs.ts",
    find: "const lane = open.expired ? undefined : (open.lane ?? null);",
    replace: "const lane = open.lane ?? null;",
    unitTest: "engine/overlap.test.ts",
  },
  {
    name: "overlap: keep records among those that wait though they are another's",
    file: "engine/tracker-context.ts",
    find: "    this.survivors.unguard(open);",
    replace: "",
    unitTest: "engine/overlap.test.ts",
  },
  {
    name: "overlap: take a run on an unreachable agent for dead",
    file: TASKS,
    find: `"the agent did not come back in time", false);`,
    replace: `"the agent did not come back in time", true);`,
    seeds: 200,
  },
  {
    name: "overlap: launch before it is known what may run on unreachable agents",
    file: KEEPER,
    find: `    this.#unreachable = options.policy.overlap === "forbid"`,
    replace: `    this.#unreachable = options.policy.overlap === "allow"`,
    unitTest: "framework/keeper-overlap.test.ts",
  },
  {
    name: "overlap: launch although agents of a new master are still to return",
    file: KEEPER,
    find: `if (this.#context.policy.overlap === "forbid") {`,
    replace: `if (this.#context.policy.unreachableTimeoutMs < 0) {`,
    unitTest: "framework/keeper-overlap.test.ts",
  },
  {
    name: "overlap: never ask again about a run that was given up",
    file: TASKS,
    find: `if (policy.overlap === "allow" || task.phase`,
    replace: `if (policy.overlap !== undefined || task.phase`,
    seeds: 1000,
  },
  {
    name: "launch before the barrier",
    file: KEEPER,
    find: "    for (const call of this.#barrier.ask()) this.#context.call(call);",
    replace: `    for (const call of this.#barrier.ask()) this.#context.call(call);
    this.#barrier.force();
    this.#barrierPassed();`,
    seeds: 1000,
  },
  {
    name: "kill what an earlier life has started",
    file: TASKS,
    find: `    const task = this.#keepStray(status, "run");`,
    replace: `    const task = this.#keepStray(status, "release");`,
    seeds: 60,
  },
  {
    name: "take an ACCEPT without an answer for one that failed",
    file: TASKS,
    find: `      this.#context.move(task, "uncertain");
      uncertain.push(task);`,
    replace: `      this.#launchFailed(task);`,
    seeds: 200,
  },
  {
    name: "hoard offers",
    file: "framework/offer-cycle.ts",
    find: `    if (nowMs >= suppressAtMs) return { type: "suppress" };
    const declineAtMs = (this.#holdingSinceMs ?? Infinity) + this.#timings.holdMs;
    if (nowMs >= declineAtMs) return { type: "decline" };`,
    replace: `    const declineAtMs = Infinity;
    if (nowMs < 1e12) return { type: "nothing" };`,
    seeds: 10,
  },
  {
    name: "an executor that comes back does not repeat its results",
    file: "host/session.ts",
    find: "unacknowledgedUpdates: tasks.flatMap((task) => task.sendAll()),",
    replace: "unacknowledgedUpdates: [],",
    seeds: 300,
  },
];

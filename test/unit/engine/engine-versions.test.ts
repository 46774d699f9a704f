import { expect, test } from "bun:test";
import { noBytes } from "../../../src/base/bytes.ts";
import { Engine } from "../../../src/engine/engine.ts";
import type { Input, InputEvent, Run, RunnerEvent, SettlingSpec, Versions } from "../../../src/engine/ports.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { processorSpec } from "../../support/specs.ts";
import { record } from "../../support/tracker-driver.ts";
import { until } from "../../support/until.ts";

const nothing = async (): Promise<void> => {};

/** Stores when it is told to. */
class FakeVersions implements Versions {
  readonly known: readonly SettlingSpec[];
  readonly remembered: string[] = [];
  readonly forgotten: string[] = [];
  readonly #stored: (() => void)[] = [];

  constructor(...known: readonly SettlingSpec[]) {
    this.known = known;
  }

  remember({ version }: SettlingSpec): Promise<void> {
    this.remembered.push(version);
    return new Promise((resolve) => this.#stored.push(resolve));
  }

  forget(version: string): void {
    this.forgotten.push(version);
  }

  /** The oldest that is not stored yet. */
  store(): void {
    this.#stored.shift()?.();
  }
}

function world(versions: FakeVersions) {
  const clock = new ManualClock();
  const runs: Run[] = [];
  let toEngine: (event: InputEvent) => void = () => undefined;
  let fromRunner: (event: RunnerEvent) => void = () => undefined;
  const input: Input = {
    start: async (onEvent) => {
      toEngine = onEvent;
    },
    seek() {},
    pause() {},
    resume() {},
    commit: nothing,
    close: nothing,
  };
  const engine = new Engine({
    spec: processorSpec({ version: "v1" }),
    group: "group",
    input,
    output: { start: nothing, send: nothing, close: nothing },
    runner: {
      start: async (onEvent) => {
        fromRunner = onEvent;
      },
      run: (run) => void runs.push(run),
      cancel() {},
      release() {},
      close: nothing,
    },
    versions,
    clock,
    onFatal: (error) => {
      throw error;
    },
  });
  const receive = (offset: number): void => {
    const range = { nextOffset: offset + 1, highWatermark: offset + 1 };
    toEngine({ type: "received", epoch: 1, partition: 0, records: [record(offset)], ...range });
  };
  const begin = (logEndOffset: number): void => {
    fromRunner({ type: "ready" });
    const partition = { partition: 0, committed: { offset: 0, metadata: "" }, logStartOffset: 0, logEndOffset };
    toEngine({ type: "assigned", epoch: 1, partitions: [partition] });
  };
  const end = ({ id, spec }: Run): void => {
    const outcome = { type: "succeeded" } as const;
    const result = { outcome, stdout: noBytes, stderrTail: noBytes, durationMs: 1, specVersion: spec.version };
    fromRunner({ type: "ended", runId: id, result });
  };
  /** Commits are grouped, so that time has to pass. */
  const untilCommitted = (offset: number): Promise<unknown> =>
    until(() => {
      clock.advance(100);
      return engine.view().partitions[0]?.committed === offset;
    }, `${offset} is committed`);
  return { engine, runs, receive, begin, end, untilCommitted };
}

test("nothing starts before what settles it is stored, be it the first version or a later one", async () => {
  const versions = new FakeVersions();
  const { engine, runs, receive, begin } = world(versions);
  const starting = engine.start();
  expect(versions.remembered).toEqual(["v1"]);
  versions.store();
  await starting;
  begin(0);
  const updating = engine.update(processorSpec({ version: "v2" }));
  receive(0);
  expect(runs.map(({ spec }) => spec.version)).toEqual(["v1"]);
  versions.store();
  await updating;
  receive(1);
  expect(runs.map(({ spec }) => spec.version)).toEqual(["v1", "v2"]);
});

test("a version that is over is forgotten, but not while it is about to come back", async () => {
  const versions = new FakeVersions(processorSpec({ version: "v0" }));
  const { engine, runs, receive, begin, end, untilCommitted } = world(versions);
  const starting = engine.start();
  versions.store();
  await starting;
  begin(1);
  receive(0);
  const updating = engine.update(processorSpec({ version: "v0" }));
  end(runs[0]!);
  await untilCommitted(1);
  expect(versions.forgotten).toEqual([]);
  versions.store();
  await updating;
  receive(1);
  expect(runs[1]?.spec.version).toBe("v0");
  end(runs[1]!);
  await untilCommitted(2);
  expect(versions.forgotten).toEqual(["v1"]);
});

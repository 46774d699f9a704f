import { describe, expect, test } from "bun:test";
import { waitForContainer } from "../../../../src/programs/docker/engine-api.ts";
import { EngineClient } from "../../../../src/programs/docker/engine-client.ts";
import { EngineWatch } from "../../../../src/programs/docker/engine-watch.ts";
import { EngineLostError } from "../../../../src/programs/docker/errors.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { rejection } from "../../../support/rejection.ts";
import { until } from "../../../support/until.ts";
import { type FakeAnswer, FakeEngine } from "./fake-engine.ts";

const BEAT_MS = 5000;

/** A client of an Engine that tells its events, and hangs at will. */
class Watched implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly engine: FakeEngine;
  readonly client: EngineClient;
  readonly watch: EngineWatch;
  comebacks = 0;

  private constructor(engine: FakeEngine) {
    this.engine = engine;
    this.client = new EngineClient({ type: "unix", path: engine.path }, this.clock);
    this.watch = new EngineWatch(this.client, this.clock, () => {
      this.comebacks++;
    });
  }

  /** @param answer to all but events and sessions that wait for a container */
  static async start(answer: (request: string) => FakeAnswer): Promise<Watched> {
    const engine = await FakeEngine.start((request) => {
      if (request.startsWith("GET /events")) return { stream: () => undefined };
      return request.endsWith("/wait") ? "silence" : answer(request);
    });
    return new Watched(engine);
  }

  pings(): number {
    return this.engine.requests.filter((request) => request === "GET /_ping").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.watch.close();
    this.client.close();
    await this.engine[Symbol.asyncDispose]();
  }
}

describe("an Engine that hangs", () => {
  test("breaks the waits that have no deadline, and its life is over", async () => {
    let hangs = true;
    await using watched = await Watched.start(() => (hangs ? "silence" : { status: 200 }));
    const { clock, client, watch, engine } = watched;
    const life = await watch.enter();
    const exit = rejection(waitForContainer(client, "abc"));
    await until(() => engine.requests.length === 2, "it is waited for");

    clock.advance(BEAT_MS);
    await until(() => watched.pings() === 1, "it is asked");
    clock.advance(5 * BEAT_MS);
    expect(watched.pings()).toBe(1);
    clock.advance(BEAT_MS);
    const error = await exit;
    expect(error).toBeInstanceOf(EngineLostError);
    expect(String(error)).toContain(
      `Cannot wait for a container: the Docker Engine does not answer at unix://${engine.path} (no answer for 30 s)`,
    );
    await until(() => engine.connections === 0, "nothing is held open");
    expect(clock.pending).toBe(0);

    expect(watched.comebacks).toBe(0);
    hangs = false;
    const next = await watch.enter();
    expect([await watch.isIn(life), await watch.isIn(next)]).toEqual([false, true]);
    expect(watched.comebacks).toBe(1);
  });

  test("does not let anyone in: whoever wants to run there is told within half a minute", async () => {
    const engine = await FakeEngine.start(() => "silence");
    await using _ = engine;
    const clock = new ManualClock();
    const client = new EngineClient({ type: "unix", path: engine.path }, clock);
    const entered = rejection(new EngineWatch(client, clock, () => undefined).enter());
    await until(() => engine.requests.length === 1, "it is asked");
    clock.advance(30_000);
    expect(String(await entered)).toContain(`the Docker Engine does not answer at unix://${engine.path}`);
  });

  test("is not one that answers, however long a program runs", async () => {
    await using watched = await Watched.start(() => ({ status: 200 }));
    const { clock, client, watch, engine } = watched;
    const life = await watch.enter();
    const exit = rejection(waitForContainer(client, "abc"));
    await until(() => engine.requests.length === 2, "it is waited for");
    for (let beat = 1; beat <= 20; beat++) {
      clock.advance(BEAT_MS);
      await until(() => watched.pings() === beat, "it is asked");
      await until(() => client.busy === 2, "it has answered");
    }
    expect(await watch.isIn(life)).toBe(true);
    client.close();
    expect(await exit).toBeInstanceOf(EngineLostError);
  });

  test("is not asked while nothing waits for it", async () => {
    await using watched = await Watched.start(() => "silence");
    await watched.watch.enter();
    watched.clock.advance(100 * BEAT_MS);
    expect(watched.pings()).toBe(0);
  });
});

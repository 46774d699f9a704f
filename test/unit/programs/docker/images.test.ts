import { expect, test } from "bun:test";
import { createLogger, type LogEntry } from "../../../../src/base/log.ts";
import { EngineClient } from "../../../../src/programs/docker/engine-client.ts";
import { EngineLostError } from "../../../../src/programs/docker/errors.ts";
import { Images } from "../../../../src/programs/docker/images.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { rejection } from "../../../support/rejection.ts";
import { until } from "../../../support/until.ts";
import { FakeEngine } from "./fake-engine.ts";

const IMAGE = "registry.example/app:1";

/** Pulls that say what a test wants them to say. */
class Pulling implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly log: LogEntry[] = [];
  readonly engine: FakeEngine;
  readonly client: EngineClient;
  readonly images: Images;

  private constructor(engine: FakeEngine) {
    this.engine = engine;
    this.client = new EngineClient({ type: "unix", path: engine.path }, this.clock);
    const log = createLogger({ sink: (entry) => void this.log.push(entry), clock: this.clock });
    const env = { DOCKER_CONFIG: "/no/such/folder" };
    this.images = new Images({ client: this.client, clock: this.clock, log, env });
  }

  static async start(say: { write: (...entries: unknown[]) => void; end: () => void }): Promise<Pulling> {
    return new Pulling(
      await FakeEngine.start(() => ({
        stream(write, end) {
          say.write = (...entries) => write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
          say.end = end;
        },
      })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.engine[Symbol.asyncDispose]();
  }
}

const unset = (): never => {
  throw new Error("no pull has begun");
};

test("a pull that takes long tells how far it is, and no more often than it moves", async () => {
  const say = { write: unset as (...entries: unknown[]) => void, end: unset as () => void };
  await using pulling = await Pulling.start(say);
  const { clock, log, images, engine } = pulling;
  const pull = images.pull(IMAGE);
  await until(() => engine.requests.length === 1, "it begins");
  expect(engine.requests).toEqual(["POST /images/create?fromImage=registry.example%2Fapp&tag=1"]);
  say.write(
    { status: "Pulling fs layer", id: "a" },
    { status: "Downloading", id: "a", progressDetail: { current: 5_000_000, total: 20_000_000 } },
  );
  const progress = (): unknown[] => log.filter(({ message }) => message === "image pull goes on");
  await until(() => {
    clock.advance(10_000);
    return progress().length > 0;
  }, "it is told");
  for (let more = 0; more < 5; more++) clock.advance(10_000);
  expect(progress()).toMatchObject([
    { level: "info", fields: { image: IMAGE, layers: "0 of 1", downloaded: "5 MB of 20 MB" } },
  ]);
  say.end();
  expect(await pull).toBeNull();
  expect(log.map(({ message }) => message)).toEqual([
    "image is being pulled",
    "image pull goes on",
    "image was pulled",
  ]);
  expect(clock.pending).toBe(0);
});

test("a pull of which nothing is heard is given up: that is the Engine, not the image", async () => {
  const say = { write: unset as (...entries: unknown[]) => void, end: unset as () => void };
  await using pulling = await Pulling.start(say);
  const { clock, images, engine } = pulling;
  let end: unknown;
  void rejection(images.pull(IMAGE)).then((error) => {
    end = error;
  });
  await until(() => engine.requests.length === 1, "it begins");
  await until(() => {
    clock.advance(60_000);
    return end !== undefined;
  }, "it is given up");
  expect(end).toBeInstanceOf(EngineLostError);
  expect(String(end)).toContain(
    `the Docker Engine does not answer at unix://${engine.path} (no word of the pull for 10 min)`,
  );
});

test.each([
  ["image-missing", "manifest for registry.example/app:1 not found: manifest unknown: manifest unknown"],
  ["image-refused", "pull access denied for app, repository does not exist or may require 'docker login'"],
  // Before the first byte, while it is loaded, and while it is unpacked.
  ["host-trouble", "error creating temporary lease: write /x/meta.db: no space left on device: unknown"],
  ["host-trouble", "write /x/data/tmp/GetImageBlob2352837576: no space left on device"],
  [
    "host-trouble",
    "failed to register layer: Error processing tar file(exit status 1): write /a: no space left on device",
  ],
] as const)("a pull that fails tells whose trouble it is: %s, %s", async (reason, words) => {
  const say = { write: unset as (...entries: unknown[]) => void, end: unset as () => void };
  await using pulling = await Pulling.start(say);
  const pull = pulling.images.pull(IMAGE);
  await until(() => pulling.engine.requests.length === 1, "it begins");
  say.write({ status: "Pulling fs layer", id: "a" }, { errorDetail: { message: words }, error: words });
  say.end();
  expect(await pull).toMatchObject({ reason, cause: words });
});

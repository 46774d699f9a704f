import { expect, test } from "bun:test";
import { silentLogger } from "../../../../src/base/log.ts";
import type { RunOutcome } from "../../../../src/engine/ports.ts";
import { containerOf } from "../../../../src/programs/docker/container-config.ts";
import { EngineClient } from "../../../../src/programs/docker/engine-client.ts";
import { EngineContainer } from "../../../../src/programs/docker/engine-container.ts";
import { Images } from "../../../../src/programs/docker/images.ts";
import { NeverRanError } from "../../../../src/programs/docker/never-ran.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { rejection } from "../../../support/rejection.ts";
import { runRequest } from "../../../support/run-request.ts";
import { FakeEngine } from "./fake-engine.ts";

/** What becomes of a run whose image is not here, where its pull fails in these words; undefined: it is lost. */
async function withoutImage(words: string): Promise<RunOutcome | undefined> {
  await using engine = await FakeEngine.start((request) => {
    if (!request.startsWith("POST /images/create")) return { status: 404, json: { message: "No such image: app:1" } };
    return {
      stream(write, end) {
        write(`${JSON.stringify({ error: words })}\n`);
        end();
      },
    };
  });
  const clock = new ManualClock();
  const client = new EngineClient({ type: "unix", path: engine.path }, clock);
  const images = new Images({ client, clock, log: silentLogger, env: { DOCKER_CONFIG: "/no/such/folder" } });
  const { spec } = runRequest({
    program: { type: "image", image: "app:1", command: ["cat"], container: { pull: "if-missing" } },
    isolation: "container",
  });
  const config = containerOf(spec, { env: {}, hasInput: true, labels: {} });
  const unwanted = new Promise<"unwanted">(() => undefined);
  const order = { config, pull: { pull: "if-missing" }, unwanted } as const;
  const error = await rejection(new EngineContainer({ client, images }).create(order));
  client.close();
  if (error instanceof NeverRanError) return error.outcome;
  expect(error).toMatchObject({ fault: "infrastructure" });
  return undefined;
}

test("an image that the registry does not have is the processor's fault", async () => {
  expect(await withoutImage("manifest unknown")).toMatchObject({ type: "not-startable", reason: "image-missing" });
});

test("an image that the host has no room for is nobody's", async () => {
  expect(await withoutImage("write /x/data/tmp/GetImageBlob235: no space left on device")).toBeUndefined();
});

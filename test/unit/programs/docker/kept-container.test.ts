import { expect, test } from "bun:test";
import { silentLogger } from "../../../../src/base/log.ts";
import { containerOf } from "../../../../src/programs/docker/container-config.ts";
import { EngineClient } from "../../../../src/programs/docker/engine-client.ts";
import { EngineWatch } from "../../../../src/programs/docker/engine-watch.ts";
import { Images } from "../../../../src/programs/docker/images.ts";
import { KeptContainer } from "../../../../src/programs/docker/kept-container.ts";
import { NeverRanError } from "../../../../src/programs/docker/never-ran.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { rejection } from "../../../support/rejection.ts";
import { runRequest } from "../../../support/run-request.ts";
import { until } from "../../../support/until.ts";
import { type FakeAnswer, FakeEngine } from "./fake-engine.ts";

const { spec } = runRequest({
  program: { type: "image", image: "app:1", command: ["cat"], container: { pull: "never" } },
  isolation: "exec",
});

/** What it fails with where its keeper says so much, and its container then ends like that; null: it goes on. */
async function failure(said: string, end: { exitCode: number; outOfMemory?: boolean } | null): Promise<unknown> {
  const frame = said === "" ? "" : `\x01\0\0\0\0\0\0${String.fromCharCode(said.length)}${said}`;
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  await using engine = await FakeEngine.start((request): FakeAnswer => {
    if (request.startsWith("GET /events")) return { stream: () => undefined };
    if (request.startsWith("GET /images")) return { status: 200, json: { Config: {} } };
    if (request === "POST /containers/create") return { status: 201, json: { Id: "abc" } };
    if (request === "POST /containers/abc/start") {
      start();
      return { status: 200 };
    }
    if (request === "POST /containers/abc/wait") return { status: 200, json: { StatusCode: end?.exitCode } };
    if (request === "GET /containers/abc/json") {
      const State = {
        Status: "exited",
        ExitCode: end?.exitCode,
        OOMKilled: end?.outOfMemory,
        FinishedAt: "2026-01-01",
      };
      return { status: 200, json: { State, Path: "/bin/sh" } };
    }
    return {
      stream: (write, finish) => {
        const speak = (): void => {
          if (frame !== "") write(frame);
          if (end !== null) finish();
        };
        void started.then(speak);
      },
    };
  });
  const clock = new ManualClock();
  const client = new EngineClient({ type: "unix", path: engine.path }, clock);
  const watch = new EngineWatch(client, clock, () => undefined);
  const config = containerOf(spec, { env: {}, hasInput: true, labels: {} });
  const images = new Images({ client, clock, log: silentLogger, env: {} });
  const stderrLog = { write: () => undefined };
  const made = rejection(new KeptContainer(spec, config, { client, watch, images, clock, stderrLog }).make());
  if (end === null) {
    await until(() => engine.requests.includes("POST /containers/abc/start"), "it is started");
    await until(() => client.busy === 2, "its keeper is waited for");
    clock.advance(20_000);
  }
  const error = await made;
  watch.close();
  client.close();
  return error instanceof NeverRanError ? error.outcome : error;
}

test.each([
  ["says that it cannot be one", "no\n", { exitCode: 1 }, "Cannot keep a container: no"],
  ["is no shell", "", { exitCode: 2 }, "Cannot keep a container: its shell ends at once: exit code 2"],
  ["crashes", "", { exitCode: 139 }, "Cannot keep a container: its shell ends at once: killed by SIGSEGV"],
  [
    "has no room",
    "",
    { exitCode: 137, outOfMemory: true },
    "Cannot keep a container: its shell ends at once: out of memory",
  ],
])("a keeper that %s is the processor's fault", async (_what, said, end, message) => {
  expect(await failure(said, end)).toEqual({ type: "not-startable", reason: "option-refused", message });
});

test.each([
  ["was killed", { exitCode: 137 }, "its first process is gone"],
  ["was let go of", { exitCode: 0 }, "its first process is gone"],
  ["is silent", null, "no answer for 20 s"],
])("a keeper that %s before it was ready is nobody's", async (_what, end, message) => {
  const error = await failure("", end);
  expect(error).toMatchObject({ fault: "infrastructure" });
  expect(String(error)).toContain(message);
});

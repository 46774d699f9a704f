import { expect, test } from "bun:test";
import { EngineClient } from "../../../../src/programs/docker/engine-client.ts";
import { EngineLostError, EngineRefusedError } from "../../../../src/programs/docker/errors.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { rejection } from "../../../support/rejection.ts";
import { FakeEngine } from "./fake-engine.ts";

/** What is thrown by a call and by a stream that are answered so. */
async function refusals(status: number, json: unknown): Promise<readonly [unknown, unknown]> {
  await using engine = await FakeEngine.start(() => ({ status, json }));
  const client = new EngineClient({ type: "unix", path: engine.path }, new ManualClock());
  const request = { action: "ask", method: "GET", path: "/" } as const;
  const called = await rejection(client.call(request));
  const streamed = await rejection(client.stream(request, { onData: () => undefined }));
  client.close();
  return [called, streamed];
}

test.each([
  ["with a reason in JSON", { message: " No such image: x\n" }, "No such image: x"],
  ["with JSON that has no reason", { message: 5 }, '{"message":5}'],
  ["with null, as some proxy may say it", null, "null"],
  ["with text", "no", '"no"'],
])("a refusal %s is told", async (_, json, reason) => {
  for (const error of await refusals(500, json)) {
    expect(error).toBeInstanceOf(EngineRefusedError);
    expect((error as EngineRefusedError).reason).toBe(reason);
  }
});

test("a refusal that does not end is given up, and not kept", async () => {
  for (const error of await refusals(500, { message: "x".repeat(17 * 1024 * 1024) })) {
    expect(error).toBeInstanceOf(EngineLostError);
    expect(String(error)).toContain("its answer has more than");
  }
});

import { expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { EngineProcess } from "../../../src/local/engine-process.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";

function engine(...args: string[]): EngineProcess {
  return new EngineProcess({
    name: "test",
    command: [process.execPath, join(import.meta.dir, "engine-child.ts"), ...args],
    env: process.env,
    clock: systemClock,
    random: { next: () => 0.9 },
    log: silentLogger,
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("an engine's address is the one that it announces", async () => {
  const child = engine();
  expect(await child.start()).toEqual({ host: "127.0.0.1", port: 4711 });
  await child.close();
});

test("an engine that ends before it serves is an error, and is not started again", async () => {
  const child = engine("broken");
  expect(String(await rejection(child.start()))).toContain("Cannot start the embedded test: it ended with code 3");
  expect(child.pid).toBeUndefined();
});

test("an engine that dies is started again", async () => {
  const child = engine();
  await child.start();
  const first = child.pid!;
  process.kill(first, "SIGKILL");
  await until(() => child.pid !== undefined && child.pid !== first, "it lives again");
  await child.close();
});

test("closing ends the process, and may be done twice", async () => {
  const child = engine();
  await child.start();
  const pid = child.pid!;
  await Promise.all([child.close(), child.close()]);
  expect(isAlive(pid)).toBe(false);
  expect(child.pid).toBeUndefined();
});

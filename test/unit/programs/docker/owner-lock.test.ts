import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isOwnerGone } from "../../../../src/programs/docker/owner-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "brigade-owner-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

const MODULE = resolve(import.meta.dir, "../../../../src/programs/docker/owner-lock.ts");
/** Another process that holds the lock until it is killed. */
const HOLDER = `
  const { holdOwnerLock } = await import(${JSON.stringify(MODULE)});
  holdOwnerLock(process.argv[1]);
  console.log("held");
  await new Promise(() => setInterval(() => undefined, 1000));
`;

test("an owner is there for as long as its process holds the lock, and gone when it was killed", async () => {
  const file = join(folder, "containers.lock");
  const holder = Bun.spawn([process.execPath, "-e", HOLDER, file], { stdout: "pipe", env: process.env });
  for await (const _ of holder.stdout) break;
  expect(isOwnerGone(file)).toBe(false);
  // To look does not take it away.
  expect(isOwnerGone(file)).toBe(false);
  holder.kill("SIGKILL");
  await holder.exited;
  expect(isOwnerGone(file)).toBe(true);
  expect(readdirSync(folder)).toEqual(["containers.lock"]);
});

test("an owner whose sandbox was cleared away is gone", () => {
  expect(isOwnerGone(join(folder, "no/such/containers.lock"))).toBe(true);
});

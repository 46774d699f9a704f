import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../../src/base/log.ts";
import { StateLockedError } from "../../../src/state/errors.ts";
import { openFolderStore } from "../../../src/state/folder-store.ts";
import type { StateStore } from "../../../src/state/store.ts";
import { rejection } from "../../support/rejection.ts";

const root = await mkdtemp(join(tmpdir(), "brigade-lock-"));
const open = (folder: string): Promise<StateStore> => openFolderStore(folder, { log: silentLogger });

afterAll(() => rm(root, { recursive: true }));

/** A process that holds the folder; resolves once it does. */
async function holder(folder: string): Promise<{ pid: number; kill(): Promise<void> }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "hold-state.ts"), "write", folder], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env },
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  expect(new TextDecoder().decode(value)).toBe("locked\n");
  return {
    pid: child.pid,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

test("a folder that another process holds is refused by naming that process, until kill -9 ends it", async () => {
  const folder = join(root, "a");
  const other = await holder(folder);
  const refused = await rejection(open(folder));
  expect(refused).toBeInstanceOf(StateLockedError);
  expect(String(refused)).toContain(`process ${other.pid} on `);
  expect(String(refused)).toContain(folder);

  await other.kill();
  const store = await open(folder);
  expect(await store.read("held")).toEqual(Uint8Array.of(7));
  await store.close();
});

test("a child that outlives the holder does not keep the lock", async () => {
  const folder = join(root, "c");
  const store = await open(folder);
  const child = Bun.spawn(["sleep", "60"], { env: {} });
  try {
    await store.close();
    const next = await open(folder);
    await next.close();
  } finally {
    child.kill();
    await child.exited;
  }
});

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "../../../src/base/bytes.ts";
import { createLogger, type LogEntry, silentLogger } from "../../../src/base/log.ts";
import { StateLostError, StateUnavailableError } from "../../../src/state/errors.ts";
import { openFolderStore } from "../../../src/state/folder-store.ts";
import type { StateStore } from "../../../src/state/store.ts";
import { stateContract } from "../../contract/state/contract.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";

const root = await mkdtemp(join(tmpdir(), "brigade-state-"));
let folders = 0;
const newFolder = (): string => join(root, String(folders++), "state");
const open = (folder: string): Promise<StateStore> => openFolderStore(folder, { log: silentLogger });

afterAll(() => rm(root, { recursive: true }));

describe("a state folder", () => {
  stateContract({
    newPlace: () => {
      const folder = newFolder();
      return {
        open: () => open(folder),
        overwrite: (key, stored) => writeFile(join(folder, "values", key), stored),
      };
    },
  });

  test("removes a value that was torn by the death of its writer, and says so", async () => {
    const folder = newFolder();
    const first = await open(folder);
    await first.write("k", utf8("whole"));
    await first.close();
    await writeFile(join(folder, "values", "~0"), Uint8Array.of(1, 2));
    const entries: LogEntry[] = [];
    const second = await openFolderStore(folder, { log: createLogger({ sink: (entry) => entries.push(entry) }) });
    expect(await second.read("k")).toEqual(utf8("whole"));
    expect(await readdir(join(folder, "values"))).toEqual(["k"]);
    expect(entries.map(({ message }) => message)).toContain("unfinished writes removed from the state folder");
    await second.close();
  });

  test("is given up when it was removed, or another stands in its place, while it was held", async () => {
    for (const replace of [false, true]) {
      const folder = newFolder();
      const lost: Error[] = [];
      const clock = new ManualClock();
      const store = await openFolderStore(folder, { log: silentLogger, clock, onLost: (error) => lost.push(error) });
      await store.write("k", utf8("before"));
      await rm(folder, { recursive: true });
      const other = replace ? await open(folder) : undefined;
      clock.advance(60_000);
      await until(() => lost.length > 0, "the loss is told");
      expect(await rejection(store.write("k", utf8("after")))).toBeInstanceOf(StateLostError);
      expect(lost.map(({ message }) => message)).toEqual([expect.stringContaining(`state folder ${folder}: its lock`)]);
      expect(await other?.read("k")).toBeUndefined();
      await store.close();
      await other?.close();
    }
  });

  test("is refused at the start where nothing can be written", async () => {
    const file = join(root, "a-file");
    await writeFile(file, "");
    expect(await rejection(open(join(file, "state")))).toBeInstanceOf(StateUnavailableError);
    // Holds for root as well, whom permissions do not stop.
    expect(await rejection(open("/proc/state"))).toBeInstanceOf(StateUnavailableError);
  });
});

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { createLogger, type LogEntry, silentLogger } from "../../../src/base/log.ts";
import { StateFormatError, StateUnavailableError } from "../../../src/state/errors.ts";
import { openFolderStore } from "../../../src/state/folder-store.ts";
import type { StateStore } from "../../../src/state/store.ts";
import { rejection } from "./rejection.ts";

const root = await mkdtemp(join(tmpdir(), "brigade-state-"));
let folders = 0;
const newFolder = (): string => join(root, String(folders++), "state");
const open = (folder: string): Promise<StateStore> => openFolderStore(folder, { log: silentLogger });

afterAll(() => rm(root, { recursive: true }));

describe("a state folder", () => {
  test("gives back what was written, also after it was opened anew", async () => {
    const folder = newFolder();
    const first = await open(folder);
    await first.write("processors/thumbs/framework", utf8("id-1"));
    await first.write("empty", new Uint8Array(0));
    await first.close();
    const second = await open(folder);
    expect(await second.read("processors/thumbs/framework")).toEqual(utf8("id-1"));
    expect(await second.read("empty")).toEqual(new Uint8Array(0));
    expect(await second.read("never")).toBeUndefined();
    await second.close();
  });

  test("lists keys by prefix, sorted, and forgets deleted ones", async () => {
    const store = await open(newFolder());
    for (const key of ["processors/b/id", "processors/a/id", "processors/a.b/id", "epoch"]) {
      await store.write(key, utf8(key));
    }
    expect(await store.list("processors/a")).toEqual(["processors/a.b/id", "processors/a/id"]);
    await store.delete("processors/a/id");
    await store.delete("processors/a/id");
    expect(await store.list("")).toEqual(["epoch", "processors/a.b/id", "processors/b/id"]);
    await store.close();
  });

  test("keeps the change asked for last when changes of a key overlap", async () => {
    const store = await open(newFolder());
    await Promise.all([
      store.write("k", utf8("a")),
      store.delete("k"),
      store.write("k", utf8("b")),
      store.write("k", utf8("c")),
    ]);
    expect(await store.read("k")).toEqual(utf8("c"));
    await store.close();
  });

  test("copies a value before the caller changes it", async () => {
    const store = await open(newFolder());
    const value = utf8("before");
    const written = store.write("k", value);
    value.fill(0);
    await written;
    expect(await store.read("k")).toEqual(utf8("before"));
    await store.close();
  });

  test("behaves as a map, whatever is done to it", async () => {
    const key = fc.constantFrom("a", "a/b", "a.b", "b/a", "-");
    const command = fc.oneof(
      fc.record({ do: fc.constant("write" as const), key, value: fc.uint8Array({ maxLength: 5 }) }),
      fc.record({ do: fc.constant("delete" as const), key }),
      fc.record({ do: fc.constant("reopen" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
        const folder = newFolder();
        const model = new Map<string, Uint8Array>();
        let store = await open(folder);
        for (const step of commands) {
          if (step.do === "write") {
            model.set(step.key, step.value);
            await store.write(step.key, step.value);
          } else if (step.do === "delete") {
            model.delete(step.key);
            await store.delete(step.key);
          } else {
            await store.close();
            store = await open(folder);
          }
        }
        expect(await store.list("")).toEqual([...model.keys()].sort());
        for (const [name, value] of model) expect(await store.read(name)).toEqual(new Uint8Array(value));
        await store.close();
      }),
      { numRuns: 20 },
    );
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

  test("puts a version in front of each value, and refuses another version or none", async () => {
    const folder = newFolder();
    const store = await open(folder);
    await store.write("k", Uint8Array.of(9));
    const file = join(folder, "values", "k");
    expect([...(await readFile(file))]).toEqual([1, 9]);
    await writeFile(file, Uint8Array.of(2, 9));
    expect(String(await rejection(store.read("k")))).toMatch(/version 2, must be of version 1/);
    await writeFile(file, new Uint8Array(0));
    expect(await rejection(store.read("k"))).toBeInstanceOf(StateFormatError);
    await store.close();
  });

  test("is refused at the start where nothing can be written", async () => {
    const file = join(root, "a-file");
    await writeFile(file, "");
    expect(await rejection(open(join(file, "state")))).toBeInstanceOf(StateUnavailableError);
    // Holds for root as well, whom permissions do not stop.
    expect(await rejection(open("/proc/state"))).toBeInstanceOf(StateUnavailableError);
  });

  test("takes no key that could leave the folder", async () => {
    const store = await open(newFolder());
    for (const key of ["", "..", "a//b", "/a", "a b", "a+b", "~0", "x".repeat(241)]) {
      expect(String(await rejection(store.write(key, utf8("x"))))).toMatch(/Cannot use .* as a key/);
    }
    await store.close();
  });

  test("does nothing more once it is closed, and closes twice", async () => {
    const folder = newFolder();
    const store = await open(folder);
    const last = store.write("k", utf8("v"));
    await store.close();
    await store.close();
    await last;
    expect(String(await rejection(store.write("k", utf8("w"))))).toMatch(/closed/);
    const next = await open(folder);
    expect(await next.read("k")).toEqual(utf8("v"));
    await next.close();
  });
});

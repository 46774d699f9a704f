import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { StateFormatError, StateLockedError } from "../../../src/state/errors.ts";
import type { StateStore } from "../../../src/state/store.ts";
import { rejection } from "../../support/rejection.ts";

/** A place for one state, empty at first. */
export interface StatePlace {
  open(): Promise<StateStore>;
  /** As someone other than a store would. */
  overwrite(key: string, stored: Uint8Array): Promise<void>;
}

export interface StateContractOptions {
  readonly newPlace: () => StatePlace;
  readonly timeoutMs?: number;
  /** Of the property that opens a state again and again. */
  readonly runs?: number;
}

/** What a state store promises, wherever it stores. */
export function stateContract({ newPlace, timeoutMs = 240_000, runs = 20 }: StateContractOptions): void {
  const it = (name: string, body: () => Promise<void>): void => test(name, body, timeoutMs);

  it("gives back what was written, also after it was opened anew", async () => {
    const place = newPlace();
    const first = await place.open();
    await first.write("processors/thumbs/framework", utf8("id-1"));
    await first.write("empty", new Uint8Array(0));
    await first.close();
    const second = await place.open();
    expect(await second.read("processors/thumbs/framework")).toEqual(utf8("id-1"));
    expect(await second.read("empty")).toEqual(new Uint8Array(0));
    expect(await second.read("never")).toBeUndefined();
    await second.close();
  });

  it("lists keys by prefix, sorted, and forgets deleted ones", async () => {
    const store = await newPlace().open();
    for (const key of ["processors/b/id", "processors/a/id", "processors/a.b/id", "epoch"]) {
      await store.write(key, utf8(key));
    }
    expect(await store.list("processors/a")).toEqual(["processors/a.b/id", "processors/a/id"]);
    await store.delete("processors/a/id");
    await store.delete("processors/a/id");
    expect(await store.list("")).toEqual(["epoch", "processors/a.b/id", "processors/b/id"]);
    await store.close();
  });

  it("keeps the change asked for last when changes of a key overlap", async () => {
    const store = await newPlace().open();
    await Promise.all([
      store.write("k", utf8("a")),
      store.delete("k"),
      store.write("k", utf8("b")),
      store.write("k", utf8("c")),
    ]);
    expect(await store.read("k")).toEqual(utf8("c"));
    await store.close();
  });

  it("copies a value before the caller changes it", async () => {
    const store = await newPlace().open();
    const value = utf8("before");
    const written = store.write("k", value);
    value.fill(0);
    await written;
    expect(await store.read("k")).toEqual(utf8("before"));
    await store.close();
  });

  it("behaves as a map, whatever is done to it", async () => {
    const key = fc.constantFrom("a", "a/b", "a.b", "b/a", "-");
    const command = fc.oneof(
      fc.record({ do: fc.constant("write" as const), key, value: fc.uint8Array({ maxLength: 5 }) }),
      fc.record({ do: fc.constant("delete" as const), key }),
      fc.record({ do: fc.constant("reopen" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
        const place = newPlace();
        const model = new Map<string, Uint8Array>();
        let store = await place.open();
        for (const step of commands) {
          if (step.do === "write") {
            model.set(step.key, step.value);
            await store.write(step.key, step.value);
          } else if (step.do === "delete") {
            model.delete(step.key);
            await store.delete(step.key);
          } else {
            await store.close();
            store = await place.open();
          }
        }
        expect(await store.list("")).toEqual([...model.keys()].sort());
        for (const [name, value] of model) expect(await store.read(name)).toEqual(new Uint8Array(value));
        await store.close();
      }),
      { numRuns: runs },
    );
  });

  it("holds values of some hundred kilobytes", async () => {
    const store = await newPlace().open();
    const value = new Uint8Array(900_000).fill(5);
    await store.write("k", value);
    expect(await store.read("k")).toEqual(value);
    await store.close();
  });

  it("puts a version in front of each value, and refuses another version or none", async () => {
    const place = newPlace();
    const store = await place.open();
    await store.write("k", utf8("x"));
    await place.overwrite("k", Uint8Array.of(1, 9));
    expect(await store.read("k")).toEqual(Uint8Array.of(9));
    await place.overwrite("k", Uint8Array.of(2, 9));
    expect(String(await rejection(store.read("k")))).toMatch(/version 2, must be of version 1/);
    await place.overwrite("k", new Uint8Array(0));
    expect(await rejection(store.read("k"))).toBeInstanceOf(StateFormatError);
    await store.close();
  });

  it("is refused to a second opener, and free once the first has closed it", async () => {
    const place = newPlace();
    const first = await place.open();
    const refused = await rejection(place.open());
    expect(refused).toBeInstanceOf(StateLockedError);
    expect(String(refused)).toContain(`process ${process.pid} on `);
    // The refused opener must not have taken the lock with it.
    await first.write("k", utf8("v"));
    expect(await rejection(place.open())).toBeInstanceOf(StateLockedError);
    await first.close();
    const second = await place.open();
    expect(await second.read("k")).toEqual(utf8("v"));
    await second.close();
  });

  it("takes no key that could lead elsewhere", async () => {
    const store = await newPlace().open();
    for (const key of ["", "..", "a//b", "/a", "a b", "a+b", "~0", "x".repeat(241)]) {
      expect(String(await rejection(store.write(key, utf8("x"))))).toMatch(/Cannot use .* as a key/);
    }
    await store.close();
  });

  it("does nothing more once it is closed, and closes twice", async () => {
    const place = newPlace();
    const store = await place.open();
    const last = store.write("k", utf8("v"));
    await store.close();
    await store.close();
    await last;
    expect(String(await rejection(store.write("k", utf8("w"))))).toMatch(/closed/);
    expect(String(await rejection(store.read("k")))).toMatch(/closed/);
    const next = await place.open();
    expect(await next.read("k")).toEqual(utf8("v"));
    await next.close();
  });
}

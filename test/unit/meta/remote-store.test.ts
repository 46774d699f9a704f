import { expect, test } from "bun:test";
import { errorToData, InputError } from "../../../src/base/errors.ts";
import type { FromWorker } from "../../../src/meta/protocol.ts";
import { RemoteStore, StoreClosedError, serveStore } from "../../../src/meta/remote-store.ts";
import type { StateStore } from "../../../src/state/store.ts";
import { rejection } from "../../support/rejection.ts";
import { MemoryStore } from "./fakes.ts";

/** A remote store whose messages are answered by `store`, each through a structured clone as between threads. */
function connect(store: StateStore): RemoteStore {
  const remote: RemoteStore = new RemoteStore((message: FromWorker) => {
    const { id, operation } = structuredClone(message) as Extract<FromWorker, { type: "store" }>;
    void serveStore(store, operation).then((result) => remote.onStored(id, structuredClone(result)));
  });
  return remote;
}

test("a Worker reads, writes, lists and deletes as if the store were its own", async () => {
  const store = new MemoryStore();
  const remote = connect(store);
  expect(await remote.read("p/framework")).toBeUndefined();
  await remote.write("p/framework", new Uint8Array([1, 2]));
  await remote.write("q/framework", new Uint8Array([3]));
  expect(await remote.read("p/framework")).toEqual(new Uint8Array([1, 2]));
  expect(await remote.list("p/")).toEqual(["p/framework"]);
  await remote.delete("p/framework");
  expect([...store.values.keys()]).toEqual(["q/framework"]);
});

test("an error of the store arrives with its class's code, fault and message", async () => {
  const broken = Object.assign(new MemoryStore(), {
    write: () => Promise.reject(new InputError("Cannot write p: the disk is full")),
  });
  const written = connect(broken).write("p", new Uint8Array());
  const error = errorToData(await rejection(written));
  expect(error).toMatchObject({ code: "input", fault: "input", message: "Cannot write p: the disk is full" });
});

test("closing fails what still waits, and what comes after", async () => {
  const remote = new RemoteStore(() => undefined);
  const waiting = remote.read("p");
  await remote.close();
  expect(await rejection(waiting)).toBeInstanceOf(StoreClosedError);
  expect(await rejection(remote.read("p"))).toBeInstanceOf(StoreClosedError);
});

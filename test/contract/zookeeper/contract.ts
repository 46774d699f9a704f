import { afterAll, beforeAll, expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { ZooKeeperRefusedError, ZooKeeperUnavailableError } from "../../../src/zookeeper/errors.ts";
import { anyVersion, checkNode, createNode, deleteNode, writeNode } from "../../../src/zookeeper/operations.ts";
import type { ZooKeeper } from "../../../src/zookeeper/zookeeper.ts";
import { rejection } from "../../support/rejection.ts";

export interface ZooKeeperUnderTest extends AsyncDisposable {
  connect(options?: { readonly credentials?: string | undefined }): ZooKeeper;
}

/** Generous: a JVM on a busy machine. Whatever is waited for comes in milliseconds otherwise. */
const TIMEOUT_MS = 240_000;
const open = { acl: "open" } as const;
const ephemeral = { acl: "open", ephemeral: true } as const;

/** Resolves when it is called for the first time. */
function once(): { readonly call: () => void; readonly called: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { call: resolve, called: promise };
}

/** What Brigade relies on of ZooKeeper, by whoever serves it. */
export function zooKeeperContract(start: () => Promise<ZooKeeperUnderTest>): void {
  const { it, connect, folder } = setUp(start);

  it("makes, reads, writes, lists and deletes nodes", async () => {
    const client = connect();
    const base = await folder(client);
    const path = `${base}/a`;
    expect(await client.exists(path)).toBeUndefined();
    expect(await client.read(path)).toBeUndefined();
    expect(await client.children(path)).toBeUndefined();
    expect(await client.create(path, utf8("one"), open)).toBe(path);
    expect(await client.read(path)).toMatchObject({
      data: utf8("one"),
      stat: { version: 0, ephemeralOwner: 0n, dataLength: 3, childCount: 0 },
    });
    expect(await client.write(path, utf8("two"), 0)).toMatchObject({ version: 1 });
    expect(await client.children(base)).toMatchObject({ names: ["a"], stat: { childCount: 1 } });
    await client.sync(path);
    expect(await client.exists(path)).toMatchObject({ version: 1 });
    await client.delete(path, 1);
    expect(await client.exists(path)).toBeUndefined();
  });

  it("says why something is refused", async () => {
    const client = connect();
    const base = await folder(client);
    await client.create(`${base}/a`, utf8(""), open);
    await client.create(`${base}/e`, utf8(""), ephemeral);
    const reasons = await Promise.all(
      [
        client.create(`${base}/a`, utf8(""), open),
        client.create(`${base}/no/a`, utf8(""), open),
        client.create(`${base}/e/a`, utf8(""), open),
        client.write(`${base}/a`, utf8(""), 5),
        client.delete(base),
        client.delete(`${base}/no`),
      ].map(async (asked) => {
        const error = await rejection(asked);
        return error instanceof ZooKeeperRefusedError ? error.reason : error;
      }),
    );
    expect(reasons).toEqual([
      "node-exists",
      "no-node",
      "no-children-for-ephemerals",
      "bad-version",
      "not-empty",
      "no-node",
    ]);
  });

  it("numbers sequential nodes, and names itself as the owner of ephemeral ones, which go with it", async () => {
    const client = connect();
    const base = await folder();
    const paths = [1, 2].map(() => client.create(`${base}/n_`, utf8(""), { ...ephemeral, sequential: true }));
    expect(await Promise.all(paths)).toEqual([`${base}/n_0000000000`, `${base}/n_0000000001`]);
    expect(await client.exists(`${base}/n_0000000000`)).toMatchObject({ ephemeralOwner: client.sessionId });
    await client.close();
    expect(await connect().children(base)).toMatchObject({ names: [] });
  });

  it("does all of a transaction, or nothing and says which part was refused", async () => {
    const client = connect();
    const base = await folder(client);
    const [a, b] = [`${base}/a`, `${base}/b`];
    await client.transaction([
      createNode(a, utf8("1"), "open"),
      createNode(b, utf8("1"), "open"),
      checkNode(a, 0),
      writeNode(a, utf8("2"), 0),
    ]);
    const refused = await rejection(
      client.transaction([writeNode(b, utf8("2"), anyVersion), checkNode(a, 0), deleteNode(b, anyVersion)]),
    );
    expect(refused).toMatchObject({ reason: "bad-version", message: expect.stringContaining(`Cannot check ${a}`) });
    expect(await client.read(a)).toMatchObject({ data: utf8("2") });
    expect(await client.read(b)).toMatchObject({ data: utf8("1") });
  });

  it("tells once of a change of what was read", async () => {
    const [client, other] = [connect(), connect()];
    const base = await folder(client);
    const [made, written, listed, deleted] = [once(), once(), once(), once()];
    await client.exists(`${base}/a`, { onChange: made.call });
    await client.children(base, { onChange: listed.call });
    await other.create(`${base}/a`, utf8("1"), open);
    await Promise.all([made.called, listed.called]);
    await client.read(`${base}/a`, { onChange: written.call });
    await other.write(`${base}/a`, utf8("2"));
    await written.called;
    expect(await client.read(`${base}/a`, { onChange: deleted.call })).toMatchObject({ data: utf8("2") });
    await other.delete(`${base}/a`);
    await deleted.called;
  });

  it("takes as much as a node can hold, and many requests at once", async () => {
    const client = connect();
    const base = await folder(client);
    const large = new Uint8Array(1_000_000).fill(7);
    await client.create(`${base}/large`, large, open);
    expect((await client.read(`${base}/large`))?.data).toEqual(large);
    const names = Array.from({ length: 500 }, (_, index) => `n${index}`);
    await Promise.all(names.map((name) => client.create(`${base}/${name}`, utf8(name), open)));
    expect((await client.children(base))?.names.toSorted()).toEqual(["large", ...names].toSorted());
  });
}

/** The same of ACLs and bounds. */
export function zooKeeperBoundsContract(start: () => Promise<ZooKeeperUnderTest>): void {
  const { it, connect, folder } = setUp(start);

  it("refuses an ACL for who gave no credentials", async () => {
    const client = connect();
    const refused = client.create(`${await folder(client)}/b`, utf8(""), { acl: "creator-all" });
    expect(await rejection(refused)).toMatchObject({ reason: "other", zooKeeperCode: -114 });
  });

  it("keeps nodes from others by credentials", async () => {
    const owner = connect({ credentials: "owner:with:colon" });
    const [same, wrong, nobody] = ["owner:with:colon", "owner:wrong", undefined].map((credentials) =>
      connect({ credentials }),
    );
    const base = await folder(owner);
    const [own, shown] = [`${base}/own`, `${base}/shown`];
    await owner.create(own, utf8("mine"), { acl: "creator-all" });
    await owner.create(shown, utf8("ours"), { acl: "creator-all-everyone-read" });
    for (const stranger of [wrong, nobody]) {
      expect(await rejection(stranger!.read(own))).toMatchObject({ reason: "no-auth" });
      expect(await stranger!.read(shown)).toMatchObject({ data: utf8("ours") });
      expect(await rejection(stranger!.write(shown, utf8("")))).toMatchObject({ reason: "no-auth" });
    }
    expect(await same!.write(own, utf8("ours"))).toMatchObject({ version: 1 });
  });

  it("is not spoilt by a value that is too large: only that is unavailable", async () => {
    const client = connect();
    const base = await folder(client);
    const tooLarge = client.create(`${base}/a`, new Uint8Array(2_000_000), open);
    expect(await rejection(tooLarge)).toBeInstanceOf(ZooKeeperUnavailableError);
    expect(await client.children(base)).toMatchObject({ names: [] });
  });
}

function setUp(start: () => Promise<ZooKeeperUnderTest>) {
  let zooKeeper: ZooKeeperUnderTest | undefined;
  beforeAll(async () => {
    zooKeeper = await start();
  }, TIMEOUT_MS);
  afterAll(() => zooKeeper?.[Symbol.asyncDispose]());

  const connect: ZooKeeperUnderTest["connect"] = (options) => {
    if (zooKeeper === undefined) throw new Error("ZooKeeper did not start");
    return zooKeeper.connect(options);
  };
  let count = 0;
  return {
    connect,
    it: (name: string, body: () => Promise<void>) => test(name, body, TIMEOUT_MS),
    /** Each test has a part of the tree for itself. */
    folder: (client: ZooKeeper = connect()) => client.create(`/test-${++count}`, utf8(""), open),
  };
}

import { noBytes } from "../../../src/base/bytes.ts";
import type { Acl } from "../../../src/zookeeper/acl.ts";
import {
  type SessionEnd,
  SessionEndedError,
  ZooKeeperRefusedError,
  ZooKeeperUnavailableError,
} from "../../../src/zookeeper/errors.ts";
import { JuteReader } from "../../../src/zookeeper/jute-reader.ts";
import type { Children, NodeData, NodeKind, Operation } from "../../../src/zookeeper/operations.ts";
import { pathsAbove } from "../../../src/zookeeper/paths.ts";
import type { WatchEvent } from "../../../src/zookeeper/replies.ts";
import type { Stat } from "../../../src/zookeeper/stat.ts";
import { type WatchKind, WatchTable } from "../../../src/zookeeper/watch-table.ts";
import type { WatchOptions, ZooKeeper } from "../../../src/zookeeper/zookeeper.ts";

interface Node {
  readonly data: Uint8Array;
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly version: number;
  readonly owner: bigint;
}

const codes = { noNode: -101, badVersion: -103, noChildren: -108, exists: -110, notEmpty: -111 } as const;

/** A ZooKeeper in memory, without ACLs: nothing takes time, and the test says what goes wrong. */
export class FakeZooKeeper {
  readonly #sessions = new Map<bigint, FakeSession>();
  #nodes = new Map<string, Node>([["/", { data: noBytes, czxid: 0n, mzxid: 0n, version: 0, owner: 0n }]]);
  readonly #sequences = new Map<string, number>();
  #zxid = 0n;
  #lastSession = 0n;

  connect(onEnd: (error: SessionEndedError) => void = () => undefined): FakeSession {
    const session = new FakeSession(this, ++this.#lastSession, onEnd);
    this.#sessions.set(session.sessionId, session);
    return session;
  }

  /** All paths but the root, sorted. */
  get paths(): readonly string[] {
    return [...this.#nodes.keys()].filter((path) => path !== "/").sort();
  }

  end(session: bigint): void {
    this.#sessions.delete(session);
    for (const [path, { owner }] of [...this.#nodes]) if (owner === session) this.#remove(path);
  }

  stat(path: string): Stat | undefined {
    const node = this.#nodes.get(path);
    if (node === undefined) return undefined;
    const { czxid, mzxid, version, owner: ephemeralOwner, data } = node;
    const childCount = this.#childNames(path).length;
    return { czxid, mzxid, version, ephemeralOwner, dataLength: data.byteLength, childCount };
  }

  read(path: string): NodeData | undefined {
    const stat = this.stat(path);
    return stat === undefined ? undefined : { data: this.#node(path).data.slice(), stat };
  }

  children(path: string): Children | undefined {
    const stat = this.stat(path);
    return stat === undefined ? undefined : { names: this.#childNames(path), stat };
  }

  create(asked: string, data: Uint8Array, { ephemeral, sequential }: NodeKind, session: bigint): string {
    const parent = pathsAbove(asked).at(-1) ?? "/";
    const above = this.#nodes.get(parent);
    if (above === undefined) throw new ZooKeeperRefusedError("create", asked, codes.noNode);
    if (above.owner !== 0n) throw new ZooKeeperRefusedError("create", asked, codes.noChildren);
    const path = sequential === true ? `${asked}${this.#nextDigits(parent)}` : asked;
    if (this.#nodes.has(path)) throw new ZooKeeperRefusedError("create", path, codes.exists);
    const zxid = ++this.#zxid;
    const owner = ephemeral === true ? session : 0n;
    this.#nodes.set(path, { data: data.slice(), czxid: zxid, mzxid: zxid, version: 0, owner });
    this.#tell({ type: "created", path });
    this.#tell({ type: "children-changed", path: parent });
    return path;
  }

  write(path: string, data: Uint8Array, version: number): Stat {
    const node = this.check("write", path, version);
    this.#nodes.set(path, { ...node, data: data.slice(), mzxid: ++this.#zxid, version: node.version + 1 });
    this.#tell({ type: "data-changed", path });
    return this.stat(path) ?? this.#missing("write", path);
  }

  delete(path: string, version: number): void {
    this.check("delete", path, version);
    if (this.#childNames(path).length > 0) throw new ZooKeeperRefusedError("delete", path, codes.notEmpty);
    this.#remove(path);
  }

  check(action: string, path: string, version: number): Node {
    const node = this.#nodes.get(path) ?? this.#missing(action, path);
    if (version !== -1 && version !== node.version) throw new ZooKeeperRefusedError(action, path, codes.badVersion);
    return node;
  }

  /** As the server does it: in a copy, which takes the place of the original if all went well. */
  transaction(operations: readonly Operation<unknown>[], session: bigint): void {
    const before = this.#nodes;
    this.#nodes = new Map(before);
    try {
      for (const operation of operations) this.#carryOut(operation, session);
    } catch (error) {
      this.#nodes = before;
      throw error;
    }
  }

  #carryOut({ opcode, body, path }: Operation<unknown>, session: bigint): void {
    const reader = new JuteReader(body);
    reader.text();
    switch (opcode) {
      case 1: {
        const data = reader.buffer();
        reader.vector(12, () => [reader.int(), reader.text(), reader.text()]);
        const flags = reader.int();
        this.create(path, data, { ephemeral: (flags & 1) !== 0, sequential: (flags & 2) !== 0 }, session);
        return;
      }
      case 2:
        return this.delete(path, reader.int());
      case 5: {
        const data = reader.buffer();
        this.write(path, data, reader.int());
        return;
      }
      case 13:
        this.check("check", path, reader.int());
        return;
      default:
        throw new Error(`the fake has no operation ${opcode}`);
    }
  }

  #childNames(path: string): string[] {
    const prefix = path === "/" ? "/" : `${path}/`;
    return [...this.#nodes.keys()]
      .filter((each) => each !== "/" && each.startsWith(prefix) && !each.slice(prefix.length).includes("/"))
      .map((each) => each.slice(prefix.length));
  }

  #nextDigits(parent: string): string {
    const next = this.#sequences.get(parent) ?? 0;
    this.#sequences.set(parent, next + 1);
    return String(next).padStart(10, "0");
  }

  #remove(path: string): void {
    this.#nodes.delete(path);
    this.#zxid++;
    this.#tell({ type: "deleted", path });
    this.#tell({ type: "children-changed", path: pathsAbove(path).at(-1) ?? "/" });
  }

  #tell(event: WatchEvent): void {
    for (const session of this.#sessions.values()) session.tell(event);
  }

  #node(path: string): Node {
    return this.#nodes.get(path) ?? this.#missing("read", path);
  }

  #missing(action: string, path: string): never {
    throw new ZooKeeperRefusedError(action, path, codes.noNode);
  }
}

/** How the next request goes wrong: its connection breaks before or after it was carried out. */
type Fault = "lost before it is done" | "lost after it is done";

export class FakeSession implements ZooKeeper {
  readonly sessionId: bigint;
  readonly #server: FakeZooKeeper;
  readonly #onEnd: (error: SessionEndedError) => void;
  readonly #watches = new WatchTable();
  #ended: SessionEndedError | undefined;
  #fault: Fault | undefined;
  /** Requests wait for it while there is no server. */
  #away: PromiseWithResolvers<void> | undefined;

  constructor(server: FakeZooKeeper, id: bigint, onEnd: (error: SessionEndedError) => void) {
    this.#server = server;
    this.sessionId = id;
    this.#onEnd = onEnd;
  }

  failNext(fault: Fault): void {
    this.#fault = fault;
  }

  /** The connection breaks; what is asked waits until it is back. */
  disconnect(): void {
    this.#away ??= Promise.withResolvers();
    this.#loseWatches();
  }

  reconnect(): void {
    this.#away?.resolve();
    this.#away = undefined;
  }

  /** ZooKeeper, or somebody else, ends the session. */
  end(how: SessionEnd): void {
    if (this.#ended !== undefined) return;
    this.#ended = new SessionEndedError(how, `the session is ${how}`);
    this.#server.end(this.sessionId);
    this.reconnect();
    this.#loseWatches();
    this.#onEnd(this.#ended);
  }

  tell(event: WatchEvent): void {
    for (const onChange of this.#watches.take(event)) queueMicrotask(onChange);
  }

  create(path: string, data: Uint8Array, kind: NodeKind & { readonly acl: Acl }): Promise<string> {
    return this.#ask(() => this.#server.create(path, data, kind, this.sessionId));
  }

  write(path: string, data: Uint8Array, version = -1): Promise<Stat> {
    return this.#ask(() => this.#server.write(path, data, version));
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#ask(() => this.#server.delete(path, version));
  }

  exists(path: string, { onChange }: WatchOptions = {}): Promise<Stat | undefined> {
    return this.#ask(() => {
      const stat = this.#server.stat(path);
      this.#watch("node", path, onChange);
      return stat;
    });
  }

  read(path: string, { onChange }: WatchOptions = {}): Promise<NodeData | undefined> {
    return this.#ask(() => {
      const data = this.#server.read(path);
      if (data !== undefined) this.#watch("node", path, onChange);
      return data;
    });
  }

  children(path: string, { onChange }: WatchOptions = {}): Promise<Children | undefined> {
    return this.#ask(() => {
      const children = this.#server.children(path);
      if (children !== undefined) this.#watch("children", path, onChange);
      return children;
    });
  }

  sync(): Promise<void> {
    return this.#ask(() => undefined);
  }

  transaction(operations: readonly Operation<unknown>[]): Promise<void> {
    return this.#ask(() => this.#server.transaction(operations, this.sessionId));
  }

  close(): Promise<void> {
    this.end("closed");
    return Promise.resolve();
  }

  async #ask<T>(carryOut: () => T): Promise<T> {
    await Promise.resolve();
    await this.#away?.promise;
    if (this.#ended !== undefined) throw this.#ended;
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) {
      if (fault === "lost after it is done") carryOut();
      this.#loseWatches();
      throw new ZooKeeperUnavailableError("the connection was lost", true);
    }
    return carryOut();
  }

  #watch(kind: WatchKind, path: string, onChange: (() => void) | undefined): void {
    if (onChange !== undefined) this.#watches.add(kind, path, onChange);
  }

  #loseWatches(): void {
    for (const onChange of this.#watches.takeAll()) queueMicrotask(onChange);
  }
}

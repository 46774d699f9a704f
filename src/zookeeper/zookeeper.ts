import type { Acl } from "./acl.ts";
import type { Children, NodeData, NodeKind, Operation } from "./operations.ts";
import type { Stat } from "./stat.ts";

export interface WatchOptions {
  /**
   * Called once: when what was read changes, and also when the connection is lost, since nobody would tell us then. Read
   * again.
   */
  readonly onChange?: () => void;
}

/**
 * What one may do within a ZooKeeper session. It is carried out in the order of asking.
 *
 * Everything rejects with {@link ZooKeeperRefusedError}, {@link ZooKeeperUnavailableError}, {@link SessionEndedError}, or
 * {@link ZooKeeperProtocolError} where the answer cannot be read.
 */
export interface ZooKeeper {
  /** What ephemeral nodes of this session carry as their owner; undefined until it is granted. */
  readonly sessionId: bigint | undefined;
  /** @returns the path, with its digits where it is sequential */
  create(path: string, data: Uint8Array, options: NodeKind & { readonly acl: Acl }): Promise<string>;
  /** @param version default: any */
  write(path: string, data: Uint8Array, version?: number): Promise<Stat>;
  /** @param version default: any */
  delete(path: string, version?: number): Promise<void>;
  /** @returns undefined where there is no such node; `onChange` then tells of its making */
  exists(path: string, options?: WatchOptions): Promise<Stat | undefined>;
  /** @returns undefined where there is no such node; then nothing is watched */
  read(path: string, options?: WatchOptions): Promise<NodeData | undefined>;
  /** @returns undefined where there is no such node; then nothing is watched */
  children(path: string, options?: WatchOptions): Promise<Children | undefined>;
  /** What is read next shows all that anyone wrote before. */
  sync(path: string): Promise<void>;
  /** All of it or nothing. @throws {ZooKeeperRefusedError} of the operation that was refused */
  transaction(operations: readonly Operation<unknown>[]): Promise<void>;
  /** Ends the session, so that its ephemeral nodes go at once, if a server can be told. Idempotent. */
  close(): Promise<void>;
}

/*
 * The scheduler's settings after parsing. Keys, defaults and origins stand in settings-schema.ts.
 */

import type { ZooKeeperAddress } from "../zookeeper/address.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Where the master is found. */
export type MasterAddress =
  | { readonly type: "hosts"; readonly hosts: readonly HostPort[] }
  | ({ readonly type: "zookeeper" } & ZooKeeperAddress);

/** Where the small durable state is kept. */
export type StateAddress =
  | { readonly type: "folder"; readonly path: string }
  | ({ readonly type: "zookeeper" } & ZooKeeperAddress);

export interface Settings {
  readonly mesosMaster: MasterAddress;
  readonly kafkaAddress: readonly HostPort[];
  /** Shell command that starts the executor on an agent; null: this very binary with `executor`. */
  readonly brigadeExecutor: string | null;
  /** What `executor.image` may name; null: anything. */
  readonly executorImages: readonly string[] | null;
  readonly processorDir: string;
  readonly processorPollMs: number;
  readonly deployment: string;
  readonly state: StateAddress;
  /** null: no API. */
  readonly apiAddress: HostPort | null;
  readonly topicsCreate: boolean;
  readonly mesosRole: string;
  readonly mesosUser: string;
  readonly mesosPrincipal: string | null;
  readonly mesosSecret: string | null;
  readonly failoverTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly logFormat: "json" | "text";
}

import type { ServerAddress } from "./server-connection.ts";

/** `zk://user:password@host:port,host:port/path` in its parts. */
export interface ZooKeeperAddress {
  readonly servers: readonly ServerAddress[];
  /** Never the root. */
  readonly path: string;
  /** `user:password`, for the scheme `digest`. Never shown. */
  readonly credentials: string | null;
}

/** As it may be shown. */
export function showZooKeeper({ servers, path }: ZooKeeperAddress): string {
  return `zk://${servers.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",")}${path}`;
}

import type { ZooKeeperAddress } from "../zookeeper/address.ts";
import { isNodePath } from "../zookeeper/paths.ts";
import type { HostPort, MasterAddress, StateAddress } from "./settings.ts";

const ZOOKEEPER = "zk://";

/** `host:port` or `[::1]:port`; undefined where the text is neither. Port 0 only where `anyPort` is set. */
export function parseHostPort(text: string, options: { anyPort?: boolean } = {}): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text.trim());
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65_535 || (port === 0 && options.anyPort !== true)) return undefined;
  return { host: match[1] ?? match[2] ?? "", port };
}

/** Several, with commas between. */
export function parseHostPorts(text: string): readonly HostPort[] | undefined {
  const hosts = text.split(",").map((part) => parseHostPort(part));
  const known = hosts.filter((host) => host !== undefined);
  return known.length === hosts.length ? known : undefined;
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `host:port`, several of them with commas, or {@link parseZooKeeperAddress}. */
export function parseMasterAddress(text: string): MasterAddress | undefined {
  const address = text.trim();
  if (address.startsWith(ZOOKEEPER)) {
    const zooKeeper = parseZooKeeperAddress(address);
    return zooKeeper && { type: "zookeeper", ...zooKeeper };
  }
  const hosts = parseHostPorts(address);
  return hosts && { type: "hosts", hosts };
}

/** A folder's path, or {@link parseZooKeeperAddress}. */
export function parseStateAddress(text: string): StateAddress | undefined {
  if (text === "" || text.includes("\0")) return undefined;
  if (!text.startsWith(ZOOKEEPER)) return { type: "folder", path: text };
  const zooKeeper = parseZooKeeperAddress(text);
  return zooKeeper && { type: "zookeeper", ...zooKeeper };
}

/**
 * `zk://user:password@host:port,host:port/path`.
 *
 * Credentials end at the last `@` before the path, as in Mesos (include/mesos/zookeeper/url.hpp): a password may hold
 * `@` and `:`, but no `/`. ZooKeeper's root is refused as a path there, and here.
 */
export function parseZooKeeperAddress(text: string): ZooKeeperAddress | undefined {
  const match = /^zk:\/\/(?:([^/]+)@)?([^/@]+)(\/[^/].*)$/.exec(text.trim());
  const servers = parseHostPorts(match?.[2] ?? "");
  const path = (match?.[3] ?? "").replace(/\/+$/, "");
  if (match === null || servers === undefined || !isNodePath(path)) return undefined;
  return { servers, path, credentials: match[1] ?? null };
}

/** The address with `***` in place of a password: right also for text that is no address, where it hides too much. */
export function maskCredentials(address: string): string {
  const end = address.lastIndexOf("@");
  if (end < 0) return address;
  const [, scheme = "", user = ""] = /^([a-z]+:\/\/)?([^:@]*)/.exec(address.slice(0, end)) ?? [];
  return `${scheme}${user}:***${address.slice(end)}`;
}

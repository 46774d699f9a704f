import { CodecError, type ContentType, decodeMasterInfo } from "./codec.ts";
import type { HostPort } from "./host-port.ts";
import type { MasterInfo } from "./types.ts";

/*
 * Masters announce themselves in ZooKeeper by ephemeral sequential nodes in one folder, `json.info_0000000004`, which hold
 * their MasterInfo in JSON. (Before Mesos 0.24 it was `info_0000000004` in protobuf.) The lowest number leads. Other things
 * may lie beside them: `log_replicas`, for one.
 */

/** What masters put their number behind. */
export const masterNodePrefix = "json.info_";

const masterNode = /^(json\.info|info)_(\d{1,10})$/;
const types: Readonly<Record<string, ContentType>> = {
  "json.info": "application/json",
  info: "application/x-protobuf",
};

/** Of a folder's nodes, that of the leading master; undefined where none has announced itself. */
export function leaderNode(names: readonly string[]): string | undefined {
  let leader: { readonly name: string; readonly sequence: number } | undefined;
  for (const name of names) {
    const digits = masterNode.exec(name)?.[2];
    if (digits === undefined) continue;
    const sequence = Number(digits);
    if (leader === undefined || sequence < leader.sequence) leader = { name, sequence };
  }
  return leader?.name;
}

/** @throws {CodecError} it does not hold what a master writes */
export function readMasterNode(name: string, data: Uint8Array): MasterInfo {
  const type = types[masterNode.exec(name)?.[1] ?? ""];
  if (type === undefined) throw new CodecError("unsupported", `A master's node of the name ${name}`);
  const master = decodeMasterInfo(data, type);
  const { port } = addressOf(master);
  if (!(port >= 1 && port <= 65_535)) throw new CodecError("invalid", `A master's port is ${port}`);
  return master;
}

/** Where a master listens: by its address, since names may mean something else here; by its name where it has none. */
export function addressOf({ address, hostname, ip, port }: MasterInfo): HostPort {
  const host = address?.ip ?? address?.hostname ?? hostname;
  if (host !== undefined && host !== "") return { host, port: address?.port ?? port };
  // The old form of an IPv4 address: the first octet is the lowest byte.
  return { host: [0, 8, 16, 24].map((shift) => (ip >>> shift) & 255).join("."), port };
}

import type { JuteWriter } from "./jute-writer.ts";

/** Who may do what with a node. Of ACLs those three are enough here that Mesos uses itself. */
export type Acl =
  /** Everyone everything. */
  | "open"
  /** Everything for whoever has the credentials of its maker, reading for everyone: what Mesos masters write. */
  | "creator-all-everyone-read"
  /** Nothing for others. */
  | "creator-all";

interface Entry {
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

const READ = 1;
const ALL = 31;
const world = (permissions: number): Entry => ({ permissions, scheme: "world", id: "anyone" });
/** The server puts the credentials of the connection in its place; without any it refuses (InvalidACL). */
const creator: Entry = { permissions: ALL, scheme: "auth", id: "" };

const entries: Readonly<Record<Acl, readonly Entry[]>> = {
  open: [world(ALL)],
  "creator-all-everyone-read": [world(READ), creator],
  "creator-all": [creator],
};

/** `vector<ACL>`, each `int perms; Id { ustring scheme; ustring id }`. */
export function writeAcl(writer: JuteWriter, acl: Acl): void {
  writer.vector(entries[acl], ({ permissions, scheme, id }) => {
    writer.int(permissions).text(scheme).text(id);
  });
}

import { spawnSync } from "node:child_process";
import { userInfo } from "node:os";

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

export type FoundUser =
  /** Commands run as the user of this process: as it is the one, or because only root may become another. */
  { readonly type: "own" } | { readonly type: "other"; readonly ids: UserIds } | { readonly type: "unknown" };

/** Who a command runs as that is to run as `name`. */
export function findUser(name: string): FoundUser {
  const own = userInfo();
  if (own.username === name || own.uid !== 0) return { type: "own" };
  // The machine's own program, because users need not stand in a file.
  const [uid, gid] = [idOf("-u", name), idOf("-g", name)];
  return uid === undefined || gid === undefined ? { type: "unknown" } : { type: "other", ids: { uid, gid } };
}

function idOf(option: "-u" | "-g", name: string): number | undefined {
  const { status, stdout } = spawnSync("id", [option, "--", name], { encoding: "utf8" });
  return status === 0 ? Number(stdout.trim()) : undefined;
}

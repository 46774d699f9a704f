import { assertNever } from "../../../base/errors.ts";
import { addressOf } from "../../../mesos/leader-node.ts";
import type { Leadership } from "../../../mesos/leader-watch.ts";
import type { MasterInfo } from "../../../mesos/types.ts";

/**
 * What a master is to the others.
 *
 * - standing-by: another one leads, or nobody that is known
 * - leading: from now on it serves
 * - deposed: it has led, and may not be the only one any more; there is no way back but to begin anew
 */
export type MasterRole =
  | { readonly type: "standing-by"; readonly leader: MasterInfo | undefined }
  | { readonly type: "leading" }
  | { readonly type: "deposed"; readonly because: string };

export type ElectionEvent =
  /** Our own node in ZooKeeper; undefined: there is none. */
  | { readonly type: "node"; readonly node: string | undefined }
  | { readonly type: "leadership"; readonly leadership: Leadership };

/** Decides what a master is, by its own node and by whose node is the first. Pure. */
export class Election {
  #node: string | undefined;
  #leadership: Leadership | undefined;
  #role: MasterRole = { type: "standing-by", leader: undefined };

  get role(): MasterRole {
    return this.#role;
  }

  step(event: ElectionEvent): MasterRole {
    switch (event.type) {
      case "node":
        this.#node = event.node;
        break;
      case "leadership":
        this.#leadership = event.leadership;
        break;
      default:
        assertNever(event);
    }
    this.#role = this.#next();
    return this.#role;
  }

  #next(): MasterRole {
    const role = this.#role;
    const leadership = this.#leadership;
    switch (role.type) {
      case "deposed":
        return role;
      case "leading":
        if (this.#node === undefined) return { type: "deposed", because: "its session in ZooKeeper is over" };
        return this.#isOurs(leadership) ? role : { type: "deposed", because: whoElse(leadership) };
      case "standing-by":
        if (this.#isOurs(leadership)) return { type: "leading" };
        return { type: "standing-by", leader: leadership?.type === "leader" ? leadership.master : undefined };
      default:
        return assertNever(role);
    }
  }

  #isOurs(leadership: Leadership | undefined): boolean {
    return leadership?.type === "leader" && leadership.node === this.#node;
  }
}

function whoElse(leadership: Leadership | undefined): string {
  if (leadership?.type !== "leader") return "its node in ZooKeeper is gone";
  const { host, port } = addressOf(leadership.master);
  return `${host}:${port} leads`;
}

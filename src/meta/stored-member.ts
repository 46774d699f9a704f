import { utf8 } from "../base/bytes.ts";
import type { Logger } from "../base/log.ts";
import type { MemberMemory } from "../kafka/former-member.ts";
import type { StateStore } from "../state/store.ts";
import { readStoredJson } from "./stored-json.ts";

const VERSION = 1;

export interface StoredMemberOptions {
  readonly store: StateStore;
  readonly processor: string;
  /** Members of another group mean nothing to this one. */
  readonly group: string;
  readonly log: Logger;
}

/**
 * Who the processor was to its consumer group last, in the state store under `processors/<name>/member`:
 *
 *     {"version":1,"group":"BrigadeProc-in-upper","member":"brigade-upper-6f1c…"}
 *
 * Whoever can read it holds the store's lock, so that the life which wrote it is over.
 */
export class StoredMember implements MemberMemory {
  readonly #options: StoredMemberOptions;
  readonly former: string | undefined;
  #last: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: StoredMemberOptions, former: string | undefined) {
    this.#options = options;
    this.former = former;
    this.#last = former;
  }

  /** What cannot be read is not there: the group then waits until the former member has timed out. */
  static async load(options: StoredMemberOptions): Promise<StoredMember> {
    const { store, processor, group, log } = options;
    const bytes = await store.read(keyOf(processor));
    const stored = bytes === undefined ? undefined : parse(bytes);
    if (bytes !== undefined && stored === undefined) log.warn("stored member id is not readable and is ignored");
    return new StoredMember(options, stored?.group === group ? stored.member : undefined);
  }

  joined(memberId: string): void {
    if (memberId === this.#last) return;
    this.#last = memberId;
    this.#writing = this.#writing.then(() => this.#store(memberId));
  }

  /** Resolves once what is known is stored, or could not be. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #store(member: string): Promise<void> {
    const { store, processor, group, log } = this.#options;
    try {
      await store.write(keyOf(processor), utf8(JSON.stringify({ version: VERSION, group, member })));
    } catch (error) {
      log.warn("member id could not be stored; should this process be killed, the next one waits for its session", {
        error,
      });
    }
  }
}

export async function forgetMember(store: StateStore, processor: string): Promise<void> {
  await store.delete(keyOf(processor));
}

/** undefined: damaged, or of another version. */
function parse(bytes: Uint8Array): { readonly group: string; readonly member: string } | undefined {
  const { version, group, member } = readStoredJson(bytes) ?? {};
  if (version !== VERSION) return undefined;
  return typeof group === "string" && typeof member === "string" && member !== "" ? { group, member } : undefined;
}

function keyOf(processor: string): string {
  return `processors/${processor}/member`;
}

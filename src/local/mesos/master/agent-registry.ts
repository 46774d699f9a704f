import { decodeUtf8, utf8 } from "../../../base/bytes.ts";
import { InputError } from "../../../base/errors.ts";
import type { AgentId } from "../../../mesos/types.ts";
import type { StateStore } from "../../../state/store.ts";

const KEY = "agents";
const VERSION = 1;

/** Agents that a master has had, as it is told when it begins. */
export interface RegisteredAgents {
  /** They may come back with tasks. */
  readonly agents: readonly AgentId[];
  /** They may not come back. */
  readonly gone: readonly AgentId[];
}

/**
 * Which agents there are, over the ends of masters: a new one must not say of tasks on an agent that is still to come
 * back that it does not know them. Mesos keeps that in its registry, here it is in a state store, under the key `agents`.
 */
export class AgentRegistry {
  readonly #store: StateStore;
  #registered: RegisteredAgents;
  #known: ReadonlySet<AgentId>;
  /** Those that the master does not have yet, because they are being written down. */
  readonly #admitting = new Set<AgentId>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(store: StateStore, registered: RegisteredAgents) {
    this.#store = store;
    this.#registered = registered;
    this.#known = new Set(registered.agents);
  }

  /** @throws {InputError} what is stored cannot be read */
  static async load(store: StateStore): Promise<AgentRegistry> {
    const bytes = await store.read(KEY);
    return new AgentRegistry(store, bytes === undefined ? { agents: [], gone: [] } : parse(bytes));
  }

  get registered(): RegisteredAgents {
    return this.#registered;
  }

  has(agentId: AgentId): boolean {
    return this.#known.has(agentId);
  }

  /** Resolves once it is written down. */
  async admit(agentId: AgentId): Promise<void> {
    this.#admitting.add(agentId);
    try {
      await this.keep(this.#registered);
    } finally {
      this.#admitting.delete(agentId);
    }
  }

  /** These, and those that are being admitted, and no others from now on. Changes are written one after another. */
  keep({ agents, gone }: RegisteredAgents): Promise<void> {
    const next = { agents: [...new Set([...agents, ...this.#admitting])].sort(), gone: [...new Set(gone)].sort() };
    const isSame = JSON.stringify(next) === JSON.stringify(this.#registered);
    this.#registered = next;
    if (isSame) return this.#writing;
    const write = (): Promise<void> => this.#write(next);
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  async #write(registered: RegisteredAgents): Promise<void> {
    try {
      await this.#store.write(KEY, utf8(JSON.stringify({ version: VERSION, ...registered })));
      this.#known = new Set(registered.agents);
    } catch (error) {
      // What is not written has to be written by the next change, even if that brings nothing new.
      this.#registered = { agents: [...this.#known].sort(), gone: [] };
      throw error;
    }
  }
}

function parse(bytes: Uint8Array): RegisteredAgents {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes) ?? "");
  } catch (cause) {
    throw new InputError("Cannot read the registry of agents: it is not JSON", { cause });
  }
  const { version, agents, gone } = (value ?? {}) as Partial<Record<"version" | keyof RegisteredAgents, unknown>>;
  if (version === VERSION && isIds(agents) && isIds(gone)) return { agents, gone };
  throw new InputError(`Cannot read the registry of agents: it must be of version ${VERSION}, with lists of ids`);
}

function isIds(value: unknown): value is readonly AgentId[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

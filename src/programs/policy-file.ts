import { readFileSync, statSync } from "node:fs";
import { decodeUtf8 } from "../base/bytes.ts";
import { errorCode, InputError } from "../base/errors.ts";
import { type AgentPolicy, DEFAULT_POLICY_FILE, openPolicy } from "../config/agent-policy.ts";

type Parse = (text: string, file: string) => AgentPolicy;

/** The agent's policy, as its file has it now: a change counts for the next run. */
export class PolicyFile {
  readonly path: string;
  readonly #mayLack: boolean;
  /** Loaded with the first file: most agents have none, and executors start the sooner without the schemas. */
  #parse: Parse | undefined;
  #read: { readonly signature: string; readonly policy: AgentPolicy } | undefined;

  /** @param path of `--policy`; without it the default one, which need not be there */
  constructor(path?: string) {
    this.path = path ?? DEFAULT_POLICY_FILE;
    this.#mayLack = path === undefined;
  }

  /**
   * At once, but for the first time that there is a file.
   *
   * @throws {InputError} the file cannot be read, or has mistakes: then nothing may run
   */
  current(): AgentPolicy | Promise<AgentPolicy> {
    const signature = this.#signature();
    if (signature === "") return openPolicy;
    if (this.#read?.signature === signature) return this.#read.policy;
    return this.#parse === undefined ? this.#load() : this.#readWith(this.#parse, signature);
  }

  async #load(): Promise<AgentPolicy> {
    const { parseAgentPolicy } = await import("../config/agent-policy-form.ts");
    this.#parse = parseAgentPolicy;
    return this.current();
  }

  #readWith(parse: Parse, signature: string): AgentPolicy {
    const policy = parse(this.#text(), this.path);
    this.#read = { signature, policy };
    return policy;
  }

  /** Another one for another content; empty where there is no file, and need not be. */
  #signature(): string {
    try {
      const { ino, size, mtimeNs, ctimeNs } = statSync(this.path, { bigint: true });
      return [ino, size, mtimeNs, ctimeNs].join(" ");
    } catch (cause) {
      if (this.#mayLack && errorCode(cause) === "ENOENT") return "";
      throw this.#unreadable(cause);
    }
  }

  #text(): string {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(this.path);
    } catch (cause) {
      throw this.#unreadable(cause);
    }
    const text = decodeUtf8(bytes);
    if (text === undefined)
      throw new InputError(`Cannot use the agent's policy ${this.path}: it is not UTF-8, must be`);
    return text;
  }

  #unreadable(cause: unknown): InputError {
    return new InputError(`Cannot use the agent's policy ${this.path}: it cannot be read`, { cause });
  }
}

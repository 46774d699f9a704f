import { invariant } from "../base/errors.ts";
import { formatHostPort, type HostPort } from "./host-port.ts";

/** Knows which master to try. The connection reports what became of it. */
export interface MasterLocator {
  /** The master to try now. Waits where none is known; rejects with the signal's reason once that is aborted. */
  current(options: { readonly signal: AbortSignal }): Promise<HostPort>;
  /** That master could not be reached, does not serve, or its subscription broke. */
  failed(master: HostPort): void;
  /** A master that does not lead named the one that does. */
  redirected(leader: HostPort): void;
  /**
   * Tells, from now on, of each master that comes to lead: whoever is connected to another one had better leave it. The
   * result ends it.
   */
  onLeader(listener: (leader: HostPort) => void): () => void;
  /** Ends what it watches. Idempotent. */
  close(): Promise<void>;
}

/** What a connection that is looking for a master hears. */
export type Located =
  | { readonly type: "located"; readonly master: HostPort }
  | { readonly type: "not-located"; readonly error: Error };

/** Asks for the master to try now, and never rejects. */
export async function locate(masters: Pick<MasterLocator, "current">, signal: AbortSignal): Promise<Located> {
  try {
    return { type: "located", master: await masters.current({ signal }) };
  } catch (cause) {
    return { type: "not-located", error: cause instanceof Error ? cause : new Error(String(cause)) };
  }
}

/** Masters by their addresses, tried in turn; a redirect goes before them until it fails. */
export class HostListLocator implements MasterLocator {
  readonly #hosts: readonly HostPort[];
  #index = 0;
  #leader: HostPort | undefined;

  constructor(hosts: readonly HostPort[]) {
    invariant(hosts.length > 0, "Cannot locate a master: the list of hosts is empty");
    this.#hosts = hosts;
  }

  current(): Promise<HostPort> {
    return Promise.resolve(this.#leader ?? this.#host());
  }

  /**
   * Of several connections that share this list only the first to fail moves it on. Whoever named a leader that failed
   * is passed over as well: it knows no better yet.
   */
  failed(master: HostPort): void {
    if (formatHostPort(this.#leader ?? this.#host()) !== formatHostPort(master)) return;
    this.#leader = undefined;
    this.#index = (this.#index + 1) % this.#hosts.length;
  }

  redirected(leader: HostPort): void {
    const known = this.#hosts.findIndex((host) => formatHostPort(host) === formatHostPort(leader));
    if (known >= 0) this.#index = known;
    this.#leader = leader;
  }

  /** A list does not know who leads. */
  onLeader(): () => void {
    return () => undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #host(): HostPort {
    const host = this.#hosts[this.#index];
    invariant(host !== undefined, "Cannot locate a master: the list of hosts is empty");
    return host;
  }
}

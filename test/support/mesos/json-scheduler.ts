import { until } from "../until.ts";

/*
 * A scheduler for tests that speaks JSON by hand over `fetch`: what it says and sees owes nothing to Brigade's client.
 */

/** A message in the v1 API's own JSON. */
export type JsonMessage = Readonly<Record<string, unknown>> & { readonly type?: string };

/** Waited for in full only where something is broken. */
const PATIENCE_MS = 60_000;
/** An order that was lost shows by silence alone. */
const ASK_AGAIN_MS = 1000;
const ends = ["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", "TASK_DROPPED", "TASK_GONE", "TASK_LOST"];

interface Id {
  readonly value: string;
}

export interface JsonOffer {
  readonly id: Id;
  readonly agent_id: Id;
  readonly resources: readonly { readonly name: string; readonly scalar?: { readonly value: number } }[];
}

export interface JsonStatus {
  readonly task_id: Id;
  readonly state: string;
  readonly source: string;
  readonly reason?: string;
  readonly message?: string;
  readonly agent_id?: Id;
  readonly uuid?: string;
  readonly data?: string;
  readonly healthy?: boolean;
  readonly check_status?: object;
}

export class JsonScheduler implements AsyncDisposable {
  readonly #url: string;
  readonly #abort = new AbortController();
  /** Everything received, in order. */
  readonly events: JsonMessage[] = [];
  frameworkId = "";
  streamId = "";
  /** Whether the stream has ended; `orderly` with its last chunk. */
  ended: "no" | "orderly" | "broken" = "no";

  private constructor(address: { readonly host: string; readonly port: number }) {
    this.#url = `http://${address.host}:${address.port}/api/v1/scheduler`;
  }

  static async subscribe(
    address: { readonly host: string; readonly port: number },
    frameworkInfo: Readonly<Record<string, unknown>> = {},
  ): Promise<JsonScheduler> {
    const scheduler = new JsonScheduler(address);
    const id = frameworkInfo["id"];
    const call = {
      type: "SUBSCRIBE",
      ...(id === undefined ? {} : { framework_id: id }),
      subscribe: {
        framework_info: {
          user: "root",
          name: "test",
          roles: ["work"],
          capabilities: [{ type: "MULTI_ROLE" }, { type: "PARTITION_AWARE" }],
          ...frameworkInfo,
        },
      },
    };
    const answer = await scheduler.#post(call, { signal: scheduler.#abort.signal });
    if (answer.status !== 200 || answer.body === null) throw new Error(`${answer.status} ${await answer.text()}`);
    scheduler.streamId = answer.headers.get("mesos-stream-id") ?? "";
    void scheduler.#read(answer.body);
    return scheduler;
  }

  /** Status and text of the answer to a call of this framework. */
  async call(type: string, part: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const call = { type, framework_id: { value: this.frameworkId }, ...part };
    const answer = await this.#post(call, { headers: { "Mesos-Stream-Id": this.streamId } });
    return `${answer.status} ${await answer.text()}`.trim();
  }

  /** The first event from index `from` on that fits, once it is there. */
  event(type: string, fits: (event: JsonMessage) => boolean = () => true, from = 0): Promise<JsonMessage> {
    return until(
      () => this.events.slice(from).find((event) => event.type === type && fits(event)),
      `${type} comes; so far ${this.#soFar()}`,
      PATIENCE_MS,
    );
  }

  async offers(from = 0): Promise<readonly JsonOffer[]> {
    const event = (await this.event("OFFERS", undefined, from)) as { offers?: { offers: readonly JsonOffer[] } };
    return event.offers?.offers ?? [];
  }

  async update(taskId: string, state: string, from = 0): Promise<JsonStatus> {
    const fits = (event: JsonMessage): boolean => {
      const { task_id, state: its } = statusOf(event);
      return task_id.value === taskId && its === state;
    };
    return statusOf(await this.event("UPDATE", fits, from));
  }

  /**
   * Ends a task, and gives the last word on it, be it what was wanted or not. KILL is not reliable, at a real Mesos neither:
   * it is said again until there is one.
   */
  kill(taskId: string): Promise<JsonStatus> {
    return this.#follow(taskId, isEnd, { ask: () => this.call("KILL", { kill: { task_id: { value: taskId } } }) });
  }

  /** The last word on a task that ends by itself. */
  end(taskId: string): Promise<JsonStatus> {
    return this.#follow(taskId, isEnd);
  }

  /** Acknowledges what comes of a task, from event `from` on, until something fits. */
  follow(taskId: string, fits: (status: JsonStatus) => boolean, from = 0): Promise<JsonStatus> {
    return this.#follow(taskId, fits, { from });
  }

  /** What was said of a task, each thing once: an update comes again where its acknowledgement takes long. */
  statuses(taskId: string): readonly JsonStatus[] {
    const all = this.events.filter(({ type }) => type === "UPDATE").map(statusOf);
    const own = all.filter(({ task_id }) => task_id.value === taskId);
    return own.filter(({ uuid }, index) => uuid === undefined || own.findIndex((one) => one.uuid === uuid) === index);
  }

  /** Asks after a task until there is an answer: a master that waits for its agents gives none. */
  async reconcile(taskId: string): Promise<JsonStatus> {
    for (const giveUpAt = performance.now() + PATIENCE_MS; performance.now() < giveUpAt; await Bun.sleep(20)) {
      const answer = this.statuses(taskId).find(({ reason }) => reason === "REASON_RECONCILIATION");
      if (answer !== undefined) return answer;
      await this.call("RECONCILE", { reconcile: { tasks: [{ task_id: { value: taskId } }] } });
    }
    throw new Error(`Asked in vain for ${PATIENCE_MS} ms after ${taskId}; so far ${this.#soFar()}`);
  }

  /** Acknowledges again what comes again: with an agent it may be lost, and then whatever follows waits for it. */
  async #follow(
    taskId: string,
    fits: (status: JsonStatus) => boolean,
    { from = 0, ask }: { readonly from?: number; readonly ask?: () => Promise<unknown> } = {},
  ): Promise<JsonStatus> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (let at = from, askAt = 0; performance.now() < giveUpAt; await Bun.sleep(1)) {
      for (; at < this.events.length; at++) {
        const event = this.events[at];
        if (event?.type !== "UPDATE") continue;
        const status = statusOf(event);
        if (status.task_id.value !== taskId || status.uuid === undefined) continue;
        await this.acknowledge(status);
        if (fits(status)) return status;
      }
      if (performance.now() < askAt) continue;
      askAt = performance.now() + ASK_AGAIN_MS;
      await ask?.();
    }
    throw new Error(`Waited ${PATIENCE_MS} ms in vain for news of ${taskId}; so far ${this.#soFar()}`);
  }

  acknowledge({ agent_id, task_id, uuid }: JsonStatus): Promise<string> {
    return this.call("ACKNOWLEDGE", { acknowledge: { agent_id, task_id, uuid } });
  }

  /** Cuts the stream, as a scheduler that dies does. */
  disconnect(): void {
    this.#abort.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disconnect();
    await Promise.resolve();
  }

  #soFar(): string {
    return this.events.map(described).join(", ");
  }

  #post(
    call: JsonMessage,
    { headers = {}, signal = null }: { headers?: Record<string, string>; signal?: AbortSignal | null },
  ): Promise<Response> {
    return fetch(this.#url, {
      signal,
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", ...headers },
      body: JSON.stringify(call),
      timeout: false,
    } as RequestInit);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let buffer = Buffer.alloc(0);
    try {
      for await (const chunk of stream) {
        buffer = Buffer.concat([buffer, chunk]);
        for (let end = buffer.indexOf(10); end >= 0; end = buffer.indexOf(10)) {
          const length = Number(buffer.toString("latin1", 0, end));
          if (buffer.byteLength < end + 1 + length) break;
          this.#received(JSON.parse(buffer.toString("utf8", end + 1, end + 1 + length)) as JsonMessage);
          buffer = buffer.subarray(end + 1 + length);
        }
      }
      this.ended = "orderly";
    } catch {
      this.ended = "broken";
    }
  }

  #received(event: JsonMessage): void {
    if (event.type === "SUBSCRIBED") {
      this.frameworkId = (event as { subscribed?: { framework_id: Id } }).subscribed?.framework_id.value ?? "";
    }
    this.events.push(event);
  }
}

function isEnd({ state }: JsonStatus): boolean {
  return ends.includes(state);
}

function described(event: JsonMessage): string {
  if (event.type !== "UPDATE") return `${event.type}`;
  const { task_id, state, reason = "", message = "" } = statusOf(event);
  return `UPDATE ${task_id.value} ${state} ${reason} ${message}`.trimEnd();
}

export function statusOf(event: JsonMessage): JsonStatus {
  const { update } = event as { update?: { status: JsonStatus } };
  if (update === undefined) throw new Error(`${event.type} has no status`);
  return update.status;
}

import type { TaskInfo, TaskStatus } from "../mesos/types.ts";

/** A status update that the agent has not ACKNOWLEDGED yet. */
interface HeldUpdate {
  readonly status: TaskStatus;
  /** Whether it went out on the present connection. */
  sent: boolean;
}

/** A task from its LAUNCH until the agent has its terminal update. */
export class HeldTask {
  /**
   * Without its data: of an unacknowledged task the agent reads only the id, and the message of a record (up to
   * megabytes) would be kept, and sent at each subscription, for nothing.
   */
  readonly info: TaskInfo;
  /** Which attempt at its record it is; undefined where its request could not be read. */
  attempt: number | undefined = undefined;
  /** Whether its terminal update was made. */
  ended = false;
  /** Whether any update of it was ACKNOWLEDGED. */
  acknowledged = false;
  #updates: HeldUpdate[] = [];

  constructor(task: TaskInfo) {
    const { data: _data, ...info } = task;
    this.info = info;
  }

  hold(status: TaskStatus): void {
    this.#updates.push({ status, sent: false });
  }

  /** @returns false where no such update is held (a repeated ACKNOWLEDGED) */
  acknowledge(uuid: Uint8Array): boolean {
    const left = this.#updates.filter(({ status }) => !equal(status.uuid, uuid));
    if (left.length === this.#updates.length) return false;
    this.#updates = left;
    this.acknowledged = true;
    return true;
  }

  /** Nothing is left that the agent must hear of. */
  get done(): boolean {
    return this.ended && this.#updates.length === 0;
  }

  /** Everything not ACKNOWLEDGED, oldest first; from now on it counts as sent. */
  sendAll(): TaskStatus[] {
    for (const update of this.#updates) update.sent = true;
    return this.#updates.map(({ status }) => status);
  }

  /** What was not sent yet, oldest first; from now on it counts as sent. */
  sendNew(): TaskStatus[] {
    const fresh = this.#updates.filter(({ sent }) => !sent);
    for (const update of fresh) update.sent = true;
    return fresh.map(({ status }) => status);
  }
}

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

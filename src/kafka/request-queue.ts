/** The part of kafkajs 2.2.4's RequestQueue that is mended here (src/network/requestQueue/index.js). */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/** Of each thread: modules are others in a Worker. */
let mended = false;

/**
 * Ends kafkajs' busy waiting (kafkajs#1751): with nothing pending and no throttling, each connection asks for a timer in
 * the past, which fires after a millisecond, looks at an empty queue and asks for the next: 3 % of a core for each
 * idle processor, and a warning of negative timers. Its own comment wants the timer for pending requests only, and so it
 * is from now on.
 */
export function mendRequestQueue(): void {
  if (mended) return;
  mended = true;
  const { prototype } = requestQueueClass();
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}

function requestQueueClass(): { prototype: RequestQueue } {
  return require("kafkajs/src/network/requestQueue") as { prototype: RequestQueue };
}

import { assertNever } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { TrackerNote } from "../engine/tracker-events.ts";

/** Tells a person what the tracker noted; what only counts is left out. */
export function logNote(note: TrackerNote, log: Logger): void {
  switch (note.type) {
    case "received":
    case "finished":
    case "rerun":
      return;
    case "attempt-failed":
      return log.info("attempt failed", { partition: note.partition, offset: note.offset, reason: note.reason });
    case "lost": {
      const { partition, offset, reason, message } = note;
      return log.warn("run lost; its record runs again", { partition, offset, reason, message });
    }
    case "paused":
      return log.error("processor paused", { reason: note.reason });
    case "unpaused":
      return log.info("processor goes on");
    case "expired":
      return log.error("records expired before they were read", { partition: note.partition, records: note.records });
    case "expired-result":
      return log.warn("record is gone from Kafka; its result goes out without key and headers", {
        partition: note.partition,
        offset: note.offset,
      });
    case "unknown-version":
      return log.warn(
        "run was started with a version of the specification that is not stored; the present one settles it",
        {
          partition: note.partition,
          offset: note.offset,
          version: note.version,
        },
      );
    case "beyond-end":
      return log.error("committed offset is beyond the end of the log", {
        partition: note.partition,
        committed: note.committed,
        logEnd: note.logEnd,
      });
    case "made-anew":
      return log.warn("topic was made anew; what was known of the old one is void, and it is read from its start");
    case "remembered":
      return log.warn("Kafka has lost the group's position; going on from the stored one", {
        partition: note.partition,
        offset: note.offset,
      });
    case "remembered-void":
      return log.warn("topic was made anew; its stored position is void, and it is read from its start", {
        partition: note.partition,
        offset: note.offset,
        logEnd: note.logEnd,
      });
    case "foreign-metadata":
      return log.warn("commit metadata is not ours and is ignored", {
        partition: note.partition,
        version: note.version,
      });
    case "metadata-cut":
      return log.debug("commit metadata is full", { partition: note.partition, records: note.records });
    default:
      return assertNever(note);
  }
}

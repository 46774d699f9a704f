import { createHash } from "node:crypto";
import type { TaskId } from "../mesos/types.ts";

/*
 * A task id is `<work>-<epoch>.<launch>`. The work says what the task is for; for a record it is
 * `<processor>_<topic>_<partition>_<offset>`. The epoch belongs to one life of the scheduler and the launch is counted
 * within it, so that no id is ever used twice, and a later life can read from an id which record its task runs.
 */

export interface TaskIdParts {
  readonly work: string;
  readonly epoch: number;
  readonly launch: number;
}

export interface RecordWork {
  /** See {@link workHead}. */
  readonly head: string;
  readonly partition: number;
  readonly offset: number;
}

/** Mesos takes 255 bytes; partition, offset, epoch and launch need at most 55 of them. */
const LONGEST_HEAD_BYTES = 200;
const HASH_CHARACTERS = 16;

export function formatTaskId({ work, epoch, launch }: TaskIdParts): TaskId {
  return `${work}-${epoch}.${launch}` as TaskId;
}

/** Reads an id from its right end; undefined where it is not of our making. */
export function parseTaskId(taskId: string): TaskIdParts | undefined {
  const match = /^(.+)-(\d{1,16})\.(\d{1,16})$/s.exec(taskId);
  if (match === null) return undefined;
  const [, work = "", epoch, launch] = match;
  return { work, epoch: Number(epoch), launch: Number(launch) };
}

/**
 * `<processor>_<topic>` as the front of an id. Mesos refuses `/`, `\`, control characters and more than 255 bytes:
 * where something has to be replaced or cut off, a hash of the original keeps the head unmistakable.
 */
export function workHead(processor: string, topic: string): string {
  const wanted = `${processor}_${topic}`;
  const legal = Array.from(wanted.toWellFormed(), (character) => (isLegal(character) ? character : "-")).join("");
  if (legal === wanted && Buffer.byteLength(wanted) <= LONGEST_HEAD_BYTES) return wanted;
  const hash = createHash("sha256").update(wanted).digest("hex").slice(0, HASH_CHARACTERS);
  return `${cutToBytes(legal, LONGEST_HEAD_BYTES - HASH_CHARACTERS - 1)}~${hash}`;
}

export function formatRecordWork({ head, partition, offset }: RecordWork): string {
  return `${head}_${partition}_${offset}`;
}

/** The inverse of {@link formatRecordWork}; undefined where the work is no record. */
export function parseRecordWork(work: string): RecordWork | undefined {
  const match = /^(.+)_(\d{1,10})_(\d{1,16})$/s.exec(work);
  if (match === null) return undefined;
  const [, head = "", partition, offset] = match;
  return { head, partition: Number(partition), offset: Number(offset) };
}

function isLegal(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code >= 0x20 && code !== 0x7f && !(code >= 0x80 && code < 0xa0) && character !== "/" && character !== "\\";
}

function cutToBytes(text: string, bytes: number): string {
  let length = 0;
  let cut = "";
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    cut += character;
  }
  return cut;
}

import type { ProcessorSpec, ProgramSpec } from "../config/processor.ts";

/*
 * What a processor's Worker tells of itself when it is asked: plain data that crosses the thread, then the REST API, and
 * is what the CLI, the metrics and the health checks are made of.
 */

/** running: the consumer has joined its group and the framework is subscribed. paused: a reason says why. */
export type ProcessorPhase = "starting" | "running" | "paused" | "draining" | "stopped" | "failed";

/** All since the Worker started, none ever goes back. */
export interface ProcessorCounters {
  readonly recordsIn: number;
  /** Records written to the output topic and acknowledged. */
  readonly recordsOut: number;
  /** Records that went to the error topic, or would have if there were one. */
  readonly errors: number;
  /** Runs that the program itself ended badly. */
  readonly failedAttempts: number;
  /** Second runs that no program asked for, by reason (`agent-lost`, `executor-lost`, …). */
  readonly reruns: Readonly<Record<string, number>>;
  /** Tasks sent to Mesos. */
  readonly launches: number;
}

/** Why some of the records that could run do not: `no offer has enough cpus`. */
export interface WaitingSnapshot {
  readonly reason: string;
  readonly count: number;
}

/** The record below which everything is settled, and why it is not. */
export interface WatermarkHold {
  readonly offset: number;
  /** What it does there: `running`, `waiting to be tried again`, … */
  readonly state: string;
  readonly forMs: number;
}

export interface PartitionSnapshot {
  readonly partition: number;
  /** The next offset to settle; null where nothing was ever committed. */
  readonly committed: number | null;
  /** The broker's high watermark; null where it is not known yet. */
  readonly end: number | null;
  /** Records written and not settled; null where one of the two is not known. */
  readonly lag: number | null;
  /** null: nothing is open. */
  readonly watermarkHeldBy: WatermarkHold | null;
}

export interface ProcessorSnapshot {
  readonly name: string;
  readonly input: string;
  /** The consumer group. */
  readonly group: string;
  readonly output: string | null;
  readonly error: string | null;
  /** For people: the command line, or the image. */
  readonly program: string;
  /** Hash of the specification that new runs get. */
  readonly version: string;
  readonly phase: ProcessorPhase;
  /** Why it is paused, draining or failed, or does not run everywhere, or not as it should. */
  readonly reason: string | null;
  readonly framework: { readonly id: string | null; readonly connected: boolean };
  readonly counters: ProcessorCounters;
  /** Records read and not settled. */
  readonly inFlight: number;
  /** Programs that are placed or running. */
  readonly runs: number;
  readonly waiting: readonly WaitingSnapshot[];
  /** Those that are ours, in order. */
  readonly partitions: readonly PartitionSnapshot[];
  /** From read to the output's acknowledgement; null before the first. */
  readonly latency: { readonly p50Ms: number | null; readonly p99Ms: number | null };
  /** Records finished per second, over the last ten seconds. */
  readonly ratePerS: number;
}

/** A run that is placed and not over. */
export interface TaskSnapshot {
  readonly processor: string;
  readonly taskId: string;
  readonly partition: number;
  readonly offset: number;
  /** 1 for the first. */
  readonly attempt: number;
  /** `unreachable`: it was given up, or is about to be, and may still run. */
  readonly state: "placed" | "running" | "unreachable" | "ended";
  /** Host name of the agent; null where it is not known yet. */
  readonly agent: string | null;
  readonly forMs: number;
}

/** What can be told of a processor before its Worker has told anything. */
export function snapshotOfSpec(spec: ProcessorSpec, group: string): ProcessorSnapshot {
  return {
    name: spec.name,
    input: spec.input,
    group,
    output: spec.output,
    error: spec.error?.topic ?? null,
    program: describeProgram(spec.program),
    version: spec.version,
    phase: "starting",
    reason: null,
    framework: { id: null, connected: false },
    counters: { recordsIn: 0, recordsOut: 0, errors: 0, failedAttempts: 0, reruns: {}, launches: 0 },
    inFlight: 0,
    runs: 0,
    waiting: [],
    partitions: [],
    latency: { p50Ms: null, p99Ms: null },
    ratePerS: 0,
  };
}

/** For people: `docker echo:1`, `sort -u`. */
export function describeProgram(program: ProgramSpec): string {
  const command = typeof program.command === "string" ? program.command : (program.command?.join(" ") ?? "");
  return program.type === "command" ? command : `docker ${program.image} ${command}`.trimEnd();
}

import { createHash } from "node:crypto";
import { isJsonObject } from "../base/json.ts";
import type { ExecutorSpec, ProcessorSpec, ProgramSpec } from "./processor.ts";
import type { ProcessorForm } from "./processor-form.ts";

/**
 * The specification of a form without mistakes.
 *
 * @param group consumer group to use where the form names none; null leaves it to the deployment
 */
export function resolveProcessor(form: ProcessorForm, group: string | null): ProcessorSpec {
  const { extractor } = form;
  const program = programOf(form);
  const spec: Omit<ProcessorSpec, "version"> = {
    name: form.name,
    input: form.input,
    output: form.output ?? null,
    error: form.error ?? null,
    program,
    isolation: form.isolation ?? (program.type === "image" ? "container" : "process"),
    warm: form.warm,
    maxUses: form["max-uses"],
    cpus: extractor?.cpus ?? form.cpus,
    memMb: extractor?.memory ?? form.mem,
    volumes: extractor?.volumes ?? form.volumes,
    env: extractor?.env ?? form.env,
    secrets: form.secrets,
    constraints: form.constraints,
    timeoutMs: form.timeout ?? null,
    retry: {
      attempts: form.retry.attempts,
      initialBackoffMs: form.retry.backoff,
      maxBackoffMs: form.retry["max-backoff"],
      maxAgeMs: form.retry["max-age"],
    },
    maxOutputBytes: form["max-output"],
    emptyOutput: form["empty-output"],
    concurrency: form.concurrency,
    maxInFlightBytes: form["max-in-flight"],
    from: form.from,
    group: form.group ?? group,
    ordering: form.ordering,
    overlap: form.overlap,
    unreachableTimeoutMs: form["unreachable-timeout"],
    drainTimeoutMs: form["drain-timeout"],
    executor: executorOf(form.executor),
  };
  return { ...spec, version: versionOf(spec) };
}

function programOf({ docker, command, extractor, container: form }: ProcessorForm): ProgramSpec {
  const image = extractor?.dockerImage ?? docker;
  if (image === undefined) return { type: "command", command: command ?? [] };
  const { arguments: args, pull = "if-missing", ...options } = form;
  const container = { ...options, pull: extractor?.forcePull === true ? ("always" as const) : pull };
  return { type: "image", image, command: args ?? command ?? null, container };
}

function executorOf({ image, forcePull, volumes, ...rest }: ProcessorForm["executor"]): ExecutorSpec {
  return { container: image === null ? null : { image, forcePull, volumes }, ...rest };
}

/** 12 hexadecimal digits of the SHA-256 of the specification as canonical JSON: equal for equal specifications. */
export function versionOf(spec: Omit<ProcessorSpec, "version">): string {
  return createHash("sha256").update(canonicalJson(spec)).digest("hex").slice(0, 12);
}

/** JSON with the members of every object in the order of their names. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

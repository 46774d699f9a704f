import * as v from "valibot";
import { isJsonObject } from "../base/json.ts";
import { childPath, type JsonSource, JsonSyntaxError, type Position, parseJsonSource } from "./json-source.ts";
import { byPlace, hasErrors, type Problem, showValue } from "./problem.ts";
import type { ProcessorSpec } from "./processor.ts";
import { type ProcessorForm, processorForm } from "./processor-form.ts";
import { resolveProcessor } from "./processor-resolve.ts";
import { checkRules } from "./processor-rules.ts";
import { checkProcessorSet, type ProcessorSketch } from "./processor-set.ts";
import type { Finding } from "./rule.ts";

export interface ParsedProcessors {
  /** Empty if there is any error: a file is used as a whole or not at all. */
  readonly processors: readonly ProcessorSpec[];
  readonly problems: readonly Problem[];
}

/** A file by itself, before it is held against others. */
export interface ParsedFile extends ParsedProcessors {
  readonly sketches: readonly ProcessorSketch[];
}

/**
 * Reads one processor, or an array of them, from JSON.
 *
 * Every mistake is reported at once, with its line: those of single fields, between fields, and between processors.
 * Never throws.
 *
 * @param file name for the messages; nothing is opened
 */
export function parseProcessors(text: string, file: string): ParsedProcessors {
  const { processors, problems, sketches } = parseProcessorFile(text, file);
  const all = [...problems, ...checkProcessorSet(sketches)].sort(byPlace);
  return { processors: hasErrors(all) ? [] : processors, problems: all };
}

/** {@link parseProcessors} without the rules between processors, which need those of all files. */
export function parseProcessorFile(text: string, file: string): ParsedFile {
  const source = readSource(text, file);
  if ("severity" in source) return { processors: [], problems: [source], sketches: [] };
  const reporter = new Reporter(source, file);
  for (const { path, position } of source.repeated) {
    reporter.add("error", path, `${labelOf(path)} appears more than once in its object, must appear once`, {
      position,
    });
  }
  const processors: ProcessorSpec[] = [];
  const sketches: ProcessorSketch[] = [];
  const items = Array.isArray(source.value) ? source.value : [source.value];
  for (const [index, item] of items.entries()) {
    const path = Array.isArray(source.value) ? childPath("$", index) : "$";
    const { spec, sketch } = readProcessor(item, path, reporter);
    if (spec !== undefined) processors.push(spec);
    if (sketch !== undefined) sketches.push(sketch);
  }
  const { problems } = reporter;
  return { processors: hasErrors(problems) ? [] : processors, problems, sketches };
}

function readSource(text: string, file: string): JsonSource | Problem {
  try {
    return parseJsonSource(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { severity: "error", file, path: "$", message: `not JSON: ${error.message}`, ...error.position };
  }
}

function readProcessor(
  item: unknown,
  path: string,
  reporter: Reporter,
): { readonly spec?: ProcessorSpec; readonly sketch?: ProcessorSketch } {
  if (!isJsonObject(item)) {
    const message = `is ${showValue(item)}, must be an object with name, input and a program`;
    reporter.finding(path, { severity: "error", path: [], message });
    return {};
  }
  const written = { ...item };
  const { input, originalName } = withUsableName(written, path, reporter);
  const result = v.safeParse(processorForm, input);
  const wrong = new Set<string>();
  for (const issue of result.issues ?? []) {
    const keys = (issue.path ?? []).map(({ key }) => key as string | number);
    if (typeof keys[0] === "string") wrong.add(keys[0]);
    // A schema's own `expected` repeats its message; ours (section) carries the hint.
    const hint = issue.type === "raw_check" ? issue.expected : null;
    reporter.finding(path, {
      severity: "error",
      path: keys,
      message: issue.message,
      ...(hint === null ? {} : { hint }),
    });
  }
  const output = result.output as Readonly<Record<string, unknown>>;
  const form = Object.fromEntries(
    Object.entries(output).filter(([name]) => !wrong.has(name)),
  ) as Partial<ProcessorForm>;
  const given = new Set(Object.keys(written));
  const findings = checkRules({ form, given });
  for (const finding of findings) reporter.finding(path, finding);
  const sketch = sketchOf(form, path, reporter);
  if (!result.success || findings.some(({ severity }) => severity === "error")) return { sketch };
  const group = originalName === undefined ? null : `BrigadeProc-${result.output.input}-${originalName}`;
  return { sketch, spec: resolveProcessor(result.output, group) };
}

/**
 * The dev branch's sample has blanks in its name, and so had its consumer group. The name becomes a usable one; the group
 * keeps the original, so that its offsets go on.
 */
function withUsableName(
  written: Readonly<Record<string, unknown>>,
  path: string,
  reporter: Reporter,
): { readonly input: unknown; readonly originalName?: string } {
  const { name, extractor } = written;
  if (extractor === undefined || typeof name !== "string" || !name.includes(" ")) return { input: written };
  const usable = name.replaceAll(" ", "-");
  reporter.finding(path, {
    severity: "warning",
    path: ["name"],
    message: `is ${showValue(name)}, which has blanks: ${showValue(usable)} is used instead, and the old name in the consumer group only`,
  });
  return { input: { ...written, name: usable }, originalName: name };
}

function sketchOf(form: Partial<ProcessorForm>, path: string, reporter: Reporter): ProcessorSketch {
  return {
    file: reporter.file,
    path,
    name: form.name,
    input: form.input,
    outputs: [form.output, form.error?.topic].filter((topic) => typeof topic === "string"),
    group: form.group,
    position: reporter.positionOf(path),
    executor:
      form.executor === undefined || form.executor.image === null
        ? undefined
        : { image: form.executor.image, hasVolumes: form.executor.volumes.length > 0 },
  };
}

/** Collects problems and finds their places in the text. */
class Reporter {
  readonly file: string;
  readonly problems: Problem[] = [];
  readonly #source: JsonSource;

  constructor(source: JsonSource, file: string) {
    this.#source = source;
    this.file = file;
  }

  add(
    severity: Problem["severity"],
    path: string,
    message: string,
    { hint, position = this.positionOf(path) }: { hint?: string; position?: Position | undefined } = {},
  ): void {
    const problem: Problem = { severity, file: this.file, path, message, ...position };
    this.problems.push(hint === undefined ? problem : { ...problem, hint });
  }

  /** A finding below the processor at `processorPath`; a field that is missing stands where its object does. */
  finding(processorPath: string, { severity, path: keys, message, hint }: Finding): void {
    const path = keys.reduce<string>(childPath, processorPath);
    const position =
      this.positionOf(path) ?? this.positionOf(keys.slice(0, -1).reduce<string>(childPath, processorPath));
    this.add(severity, path, `${labelOf(path)} ${message}`, hint === undefined ? { position } : { hint, position });
  }

  positionOf(path: string): Position | undefined {
    return this.#source.positionOf(path);
  }
}

/** `$[1].retry.attempts` is `retry.attempts` of its processor. */
function labelOf(path: string): string {
  return path.replace(/^\$(\[\d+\])?\.?/, "") || "the processor";
}

import type { Position } from "./json-source.ts";
import type { Problem } from "./problem.ts";

/*
 * What must hold between processors: names and consumer groups are unique, and a cycle of topics is probably not meant.
 */

/** What can be told of a processor even when parts of it are wrong. */
export interface ProcessorSketch {
  readonly file: string;
  /** JSON path of the processor in its file. */
  readonly path: string;
  readonly name: string | undefined;
  readonly input: string | undefined;
  /** Output topic and error topic, as far as there are any. */
  readonly outputs: readonly string[];
  /** Only where the form names one. */
  readonly group: string | undefined;
  readonly position: Position | undefined;
}

export function checkProcessorSet(sketches: readonly ProcessorSketch[]): readonly Problem[] {
  return [
    ...repeated(sketches, "name", "names are unique in a deployment"),
    ...repeated(sketches, "group", "two processors of one consumer group would take records from each other"),
    ...cycles(sketches),
  ];
}

/**
 * A value that several processors share. Each later one is at fault; the first as well if another file repeats it, since
 * nobody can tell which of the two files is the newer.
 */
function repeated(sketches: readonly ProcessorSketch[], field: "name" | "group", why: string): readonly Problem[] {
  const byValue = Map.groupBy(sketches, (sketch) => sketch[field]);
  return [...byValue].flatMap(([value, same]) => {
    const [first, ...others] = same;
    if (value === undefined || first === undefined) return [];
    const problem = (sketch: ProcessorSketch, other: ProcessorSketch): Problem => ({
      severity: "error",
      file: sketch.file,
      path: `${sketch.path}.${field}`,
      message: `${field} is "${value}" like that of ${other.path} in ${other.file}, must differ: ${why}`,
      ...sketch.position,
    });
    const elsewhere = others.find(({ file }) => file !== first.file);
    return [
      ...(elsewhere === undefined ? [] : [problem(first, elsewhere)]),
      ...others.map((other) => problem(other, first)),
    ];
  });
}

/** One warning for each group of processors that feed each other, at its first member. */
function cycles(sketches: readonly ProcessorSketch[]): readonly Problem[] {
  const reads = Map.groupBy(sketches, ({ input }) => input);
  const next = (sketch: ProcessorSketch): readonly ProcessorSketch[] =>
    sketch.outputs.flatMap((topic) => reads.get(topic) ?? []);
  const reported = new Set<ProcessorSketch>();
  return sketches.flatMap((start) => {
    // A processor that feeds itself is an error of its own.
    const route = reported.has(start) ? undefined : shortestWayBack(start, next);
    if (route === undefined || route.length < 2) return [];
    for (const sketch of route) reported.add(sketch);
    const way = [...route, start].map(({ name, input }) => `${name ?? "?"} (${input})`).join(" → ");
    return [
      {
        severity: "warning" as const,
        file: start.file,
        path: start.path,
        message: `records go in a circle: ${way}`,
        ...start.position,
      },
    ];
  });
}

/** Breadth first; the processors from `start` on, in order, without `start` at the end. */
function shortestWayBack(
  start: ProcessorSketch,
  next: (sketch: ProcessorSketch) => readonly ProcessorSketch[],
): readonly ProcessorSketch[] | undefined {
  const seen = new Set([start]);
  let routes: (readonly ProcessorSketch[])[] = [[start]];
  while (routes.length > 0) {
    const longer: (readonly ProcessorSketch[])[] = [];
    for (const route of routes) {
      const last = route.at(-1) ?? start;
      for (const sketch of next(last)) {
        if (sketch === start) return route;
        if (seen.has(sketch)) continue;
        seen.add(sketch);
        longer.push([...route, sketch]);
      }
    }
    routes = longer;
  }
  return undefined;
}

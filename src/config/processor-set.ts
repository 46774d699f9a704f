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
  /** Only where it runs from an image. */
  readonly executor: { readonly image: string; readonly hasVolumes: boolean } | undefined;
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

/** A warning for each way in which processors feed each other in a circle, at the first of them. */
function cycles(sketches: readonly ProcessorSketch[]): readonly Problem[] {
  // A processor that feeds itself is an error of its own.
  const circles = findCircles(sketches).filter(({ length }) => length > 1);
  return circles.flatMap((circle) => {
    const [first] = circle;
    if (first === undefined) return [];
    const way = [...circle, first].map(({ name, input }) => `${name ?? "?"} (${input})`).join(" → ");
    const message = `records go in a circle: ${way}`;
    return [{ severity: "warning", file: first.file, path: first.path, message, ...first.position } as const];
  });
}

interface Step {
  readonly sketch: ProcessorSketch;
  /** Readers of its outputs that are not visited yet. */
  readonly ahead: ProcessorSketch[];
}

/** Depth first, each processor once: a circle is found wherever the way leads back onto itself. */
function findCircles(sketches: readonly ProcessorSketch[]): readonly (readonly ProcessorSketch[])[] {
  const readers = Map.groupBy(sketches, ({ input }) => input);
  const circles: (readonly ProcessorSketch[])[] = [];
  const visited = new Set<ProcessorSketch>();
  const placeOnWay = new Map<ProcessorSketch, number>();
  const way: Step[] = [];
  const enter = (sketch: ProcessorSketch): void => {
    visited.add(sketch);
    placeOnWay.set(sketch, way.length);
    way.push({ sketch, ahead: [...new Set(sketch.outputs)].flatMap((topic) => readers.get(topic) ?? []).reverse() });
  };
  for (const start of sketches) {
    if (!visited.has(start)) enter(start);
    for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
      const next = last.ahead.pop();
      const place = next === undefined ? undefined : placeOnWay.get(next);
      if (next === undefined) {
        placeOnWay.delete(last.sketch);
        way.pop();
      } else if (place !== undefined) {
        circles.push(way.slice(place).map(({ sketch }) => sketch));
      } else if (!visited.has(next)) {
        enter(next);
      }
    }
  }
  return circles;
}

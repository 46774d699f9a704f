import type { ProcessorSpec } from "./processor.ts";

/*
 * Names by which the outside knows a processor. The original Brigade's are kept, so that its consumer groups (and with
 * them its offsets) go on.
 */

const ORIGINAL_DEPLOYMENT = "brigade";

/** `BrigadeProc-<input>-<processor>`, with the deployment in front when that is not `brigade`. */
export function consumerGroup(deployment: string, spec: Pick<ProcessorSpec, "name" | "input" | "group">): string {
  if (spec.group !== null) return spec.group;
  const group = `BrigadeProc-${spec.input}-${spec.name}`;
  return deployment === ORIGINAL_DEPLOYMENT ? group : `${deployment}-${group}`;
}

/** `BrigadeProc_<processor>_<version of Brigade>`. */
export function frameworkName(processor: string, version: string): string {
  return `BrigadeProc_${processor}_${version}`;
}

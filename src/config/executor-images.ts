import type { Problem } from "./problem.ts";
import type { ProcessorSketch } from "./processor-set.ts";

/**
 * What EXECUTOR_IMAGES refuses. An executor is what keeps an agent's policy: whoever chooses its image, or what stands in
 * place of its files, is bound by none.
 *
 * @param allowed null: any image
 */
export function checkExecutorImages(
  sketches: readonly ProcessorSketch[],
  allowed: readonly string[] | null,
): readonly Problem[] {
  if (allowed === null) return [];
  const choice = allowed.length === 0 ? "must not be set" : `must be ${allowed.join(" or ")}`;
  return sketches.flatMap(({ file, path, position, executor }) => {
    if (executor === undefined) return [];
    const place = { severity: "error", file, ...position } as const;
    const problems: Problem[] = [];
    if (!allowed.includes(executor.image)) {
      const message = `executor.image is "${executor.image}", ${choice} (the scheduler's EXECUTOR_IMAGES)`;
      problems.push({ ...place, path: `${path}.executor.image`, message });
    }
    if (executor.hasVolumes) {
      const message = "executor.volumes must not be set (the scheduler's EXECUTOR_IMAGES)";
      problems.push({ ...place, path: `${path}.executor.volumes`, message });
    }
    return problems;
  });
}

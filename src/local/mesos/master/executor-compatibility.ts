import { isDeepStrictEqual } from "node:util";
import type { CommandInfo, ExecutorInfo, Resource } from "../../../mesos/types.ts";
import { Resources } from "../resources.ts";
import { debugString } from "../views/debug-string.ts";

const RULER = "-".repeat(60);

/**
 * Whether a task may join an executor that runs under the same id: all must be equal but labels and grace period.
 *
 * @returns Mesos' message where it may not
 */
export function executorConflict(existing: ExecutorInfo, wanted: ExecutorInfo): string | undefined {
  if (isDeepStrictEqual(existing, wanted) || isDeepStrictEqual(compared(existing), compared(wanted))) return undefined;
  return [
    "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.",
    RULER,
    "Existing ExecutorInfo:",
    dump(existing),
    RULER,
    "ExecutorInfo:",
    dump(wanted),
    RULER,
    "",
  ].join("\n");
}

function compared(executor: ExecutorInfo): unknown {
  const { type, data, command, frameworkId, name, source, container } = executor;
  const resources = canonicalResources(executor.resources ?? []);
  return { type, data, resources, command: canonicalCommand(command), frameworkId, name, source, container };
}

function canonicalResources(list: readonly Resource[]): unknown {
  const form = { allocationRole: null, legacyRole: false };
  return Resources.of(list)
    .toList(form)
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** URIs and environment count in any order; whether a URI is cached does not count. */
function canonicalCommand(command: CommandInfo | undefined): unknown {
  if (command === undefined) return undefined;
  const { uris = [], environment, shell = true, value, arguments: args = [], user } = command;
  const sorted = (items: readonly unknown[]): string[] => items.map((item) => JSON.stringify(item)).sort();
  return {
    uris: sorted(uris.map(({ value, executable, extract, outputFile }) => [value, executable, extract, outputFile])),
    environment: sorted((environment?.variables ?? []).map(({ name, type, value }) => [name, type, value])),
    shell,
    value,
    args,
    user,
  };
}

function dump(executor: ExecutorInfo): string {
  return debugString("mesos.v1.ExecutorInfo", executor);
}

import type { CommandInfo, ExecutorId, ExecutorInfo, FrameworkId, Resource, TaskInfo } from "../../../mesos/types.ts";

/** What a command task's executor takes beside its task. Nobody is charged for it, as with Mesos. */
const OVERHEAD: readonly Resource[] = [
  { name: "cpus", type: "SCALAR", scalar: { value: 0.1 } },
  { name: "mem", type: "SCALAR", scalar: { value: 32 } },
];
/** Longer commands are cut in the executor's name. */
const LONGEST_SHOWN = 15;

/** The executor that an agent makes around a task that is only a command: its id is the task's. */
export function commandExecutorInfo(
  frameworkId: FrameworkId,
  { taskId, command, container, labels, resources = [] }: TaskInfo,
  program: readonly string[],
): ExecutorInfo {
  const role = resources.find(({ allocationInfo }) => allocationInfo !== undefined)?.allocationInfo;
  const argv = [...program, "command"];
  const { uris, environment, user } = command ?? {};
  return {
    executorId: taskId as string as ExecutorId,
    frameworkId,
    name: `Command Executor (Task: ${taskId}) (Command: ${showCommand(command)})`,
    source: taskId,
    command: {
      shell: false,
      value: argv[0] ?? "",
      arguments: argv,
      ...(uris === undefined ? {} : { uris }),
      // That of a container is no business of the executor around it.
      ...(environment === undefined || container?.type === "DOCKER" ? {} : { environment }),
      ...(user === undefined ? {} : { user }),
    },
    resources: OVERHEAD.map((each) => (role === undefined ? each : { ...each, allocationInfo: role })),
    ...(container === undefined ? {} : { container }),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** A group's executor as the framework described it, with the program that it did not have to name. */
export function defaultExecutorInfo(executor: ExecutorInfo, program: readonly string[]): ExecutorInfo {
  const argv = [...program, "default"];
  return { ...executor, command: { ...executor.command, shell: false, value: argv[0] ?? "", arguments: argv } };
}

function showCommand({ shell = true, value = "", arguments: argv = [] }: CommandInfo = {}): string {
  const text = shell ? value : [value, ...argv].join(" ");
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 3)}...` : text;
  return shell ? `sh -c '${shown}'` : shown;
}

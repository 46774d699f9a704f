import { describe, expect, test } from "bun:test";
import type { AgentSettings } from "../../../src/local/mesos/agent/agent-types.ts";
import { containerBody } from "../../../src/local/mesos/containers/docker/container-body.ts";
import {
  type DockerLimits,
  type DockerRun,
  dockerLimits,
  dockerRun,
} from "../../../src/local/mesos/containers/docker/docker-run.ts";
import {
  commandEnvironment,
  dockerExecutorEnvironment,
  dockerName,
  dockerVariables,
} from "../../../src/local/mesos/containers/environment.ts";
import { containerLimits, containerResources } from "../../../src/local/mesos/resources.ts";
import { decodeJson } from "../../../src/mesos/codec/json-reader.ts";
import type {
  AgentId,
  ContainerId,
  ExecutorId,
  ExecutorInfo,
  FrameworkId,
  Resource,
  TaskInfo,
  Volume,
} from "../../../src/mesos/types.ts";
import { readRecording } from "../../support/mesos-recordings.ts";

/** Of the recorder's machine, as good as any. */
const MACHINE_BYTES = 64 * 1024 ** 3;

interface RecordedRun {
  readonly name: string;
  readonly task: TaskInfo;
  /** As Mesos called docker. */
  readonly argv: readonly string[];
}

/** The docker command lines of a recording, with the tasks that they were for. */
function recordedRuns(recording: string): readonly RecordedRun[] {
  const { lines } = readRecording(recording);
  const tasks = new Map(lines.flatMap(({ body }) => acceptedTasks(body)));
  return lines.flatMap((line) => {
    const { argv = [] } = line as unknown as { argv?: readonly string[] };
    const [, name = ""] = /\/executors\/([^/]+)\/runs\//.exec(argv.join(" ")) ?? [];
    const task = tasks.get(name);
    return argv[3] === "run" && task !== undefined ? [{ name, task, argv }] : [];
  });
}

/** By the executor that runs them; the first one starts it. */
function acceptedTasks(body: unknown): (readonly [string, TaskInfo])[] {
  const { accept } = (body ?? {}) as { accept?: { operations?: { launch?: { task_infos: object[] } }[] } };
  const infos = (accept?.operations ?? []).flatMap(({ launch }) => launch?.task_infos ?? []);
  return infos
    .map((info) => decodeJson("mesos.v1.TaskInfo", JSON.stringify(info)) as TaskInfo)
    .map((task) => [task.executor?.executorId ?? task.taskId, allocated(task)] as const)
    .reverse();
}

function allocated(task: TaskInfo): TaskInfo {
  const withRole = (resource: Resource): Resource => ({ ...resource, allocationInfo: { role: "work" } });
  return { ...task, resources: (task.resources ?? []).map(withRole) };
}

/** What this agent would run instead. */
function ownRun({ task, argv }: RecordedRun): DockerRun {
  const host = argv.find((part) => part.endsWith(":/mnt/mesos/sandbox")) ?? "";
  const sandbox = host.slice(0, host.lastIndexOf(":"));
  const [, agentId = "", frameworkId = "", containerId = ""] =
    /slaves\/([^/]+)\/frameworks\/([^/]+)\/executors\/[^/]+\/runs\/(.+)$/.exec(sandbox) ?? [];
  const id = containerId as ContainerId;
  const { executor } = task;
  if (executor === undefined) {
    const { container = { type: "DOCKER" }, command = {}, resources = [], limits } = task;
    const env = { ...commandEnvironment(command), ...dockerVariables(id, task) };
    return dockerRun({
      name: dockerName(id),
      container,
      command,
      env,
      sandbox,
      resources,
      limits,
      machineBytes: MACHINE_BYTES,
    });
  }
  const framework = { user: "root", name: "recorder", checkpoint: argv.includes("MESOS_CHECKPOINT=1") };
  const settings = {
    id: agentId as AgentId,
    endpoint: { hostname: "127.0.0.1", ip: "127.0.0.1", port: 7650 },
    processName: "slave(1)",
    recoveryTimeoutMs: 15 * 60_000,
    executorReregistrationTimeoutMs: 2000,
  } as AgentSettings;
  const resources = containerResources(executor, [task]);
  const launch = {
    containerId: id,
    framework,
    frameworkId: frameworkId as FrameworkId,
    kind: "custom",
    executor,
    task,
    resources,
    limits: containerLimits(executor, [task]),
    shutdownGraceMs: 3000,
  } as const;
  const env = dockerExecutorEnvironment(launch, settings, sandbox);
  const { container = { type: "DOCKER" }, command = {} } = executor;
  return dockerRun({ name: dockerName(id), container, command, env, sandbox, resources });
}

function limitsOf(limits: DockerLimits): readonly string[] {
  const { cpuShares, cpuQuota, memoryReservationBytes, memoryBytes, oomScoreAdj } = limits;
  const options = Object.entries({
    "cpu-shares": cpuShares,
    "cpu-quota": cpuQuota,
    "memory-reservation": memoryReservationBytes,
    memory: memoryBytes,
    "oom-score-adj": oomScoreAdj,
  });
  return options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, `${value}`]));
}

/** As Mesos would call docker with it. */
function argvOf(run: DockerRun): readonly string[] {
  return [
    ...(run.privileged ? ["--privileged"] : []),
    ...limitsOf(run.limits),
    ...Object.entries(run.env)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, value]) => ["-e", `${name}=${value}`]),
    ...run.binds.flatMap((bind) => ["-v", bind]),
    ...["--net", run.network],
    ...(run.hostname === null ? [] : ["--hostname", run.hostname]),
    ...run.ports.flatMap((port) => ["-p", port]),
    ...(run.entrypoint === null ? [] : ["--entrypoint", run.entrypoint]),
    ...["--name", run.name],
    ...run.parameters.map(({ key, value }) => `--${key}=${value}`),
    ...[run.image, ...run.args],
  ];
}

describe("a container is run as a real Mesos ran it", () => {
  const all = ["24-docker-command-task", "25-docker-executor"].flatMap(recordedRuns);
  test.each(all.map((run) => [run.name, run] as const))("%s", (_, run) => {
    expect(argvOf(ownRun(run))).toEqual(run.argv.slice(4));
  });

  test("the recordings hold some of each kind", () => {
    expect(all.filter(({ task }) => task.executor === undefined).length).toBeGreaterThan(10);
    expect(all.filter(({ task }) => task.executor !== undefined).length).toBeGreaterThan(10);
  });
});

describe("a container that cannot be", () => {
  const parts = {
    name: "mesos-c",
    container: { type: "DOCKER", docker: { image: "i" } },
    command: { value: "true" },
    env: {},
    sandbox: "/sandbox",
    resources: [],
  } as const;
  const portMappings = [{ hostPort: 80, containerPort: 8080 }];
  const volume = (hostPath: string | undefined, containerPath: string): Volume => {
    return { mode: "RW", containerPath, ...(hostPath === undefined ? {} : { hostPath }) };
  };

  test.each<[string, Parameters<typeof dockerRun>[0]]>([
    [
      "Both host_path 'a' and container_path 'b' of a volume are relative",
      { ...parts, container: { ...parts.container, volumes: [volume("a", "b")] } },
    ],
    [
      "Host path or volume source is required",
      { ...parts, container: { ...parts.container, volumes: [volume(undefined, "/b")] } },
    ],
    ["Unable to set hostname with host network mode", { ...parts, container: { ...parts.container, hostname: "h" } }],
    ["Shell specified but no command value provided", { ...parts, command: { shell: true } }],
    [
      "No network info found in container info",
      { ...parts, container: { type: "DOCKER", docker: { image: "i", network: "USER" } } },
    ],
    [
      "Port mappings are only supported for bridge and user-defined networks",
      { ...parts, container: { type: "DOCKER", docker: { image: "i", portMappings } } },
    ],
    [
      "Port mappings require port resources",
      { ...parts, container: { type: "DOCKER", docker: { image: "i", network: "BRIDGE", portMappings } } },
    ],
    [
      "Port [80] not included in resources",
      {
        ...parts,
        container: { type: "DOCKER", docker: { image: "i", network: "BRIDGE", portMappings } },
        resources: [{ name: "ports", type: "RANGES", ranges: { range: [{ begin: 81, end: 90 }] } }],
      },
    ],
  ])("is refused in Mesos' words: %s", (message, refused) => {
    expect(() => dockerRun(refused)).toThrow(`Failed to create docker run options: ${message}`);
  });

  test("has an option that is not known here, which is named with those that are", () => {
    const docker = { image: "i", parameters: [{ key: "colour", value: "blue" }] };
    const run = dockerRun({ ...parts, container: { type: "DOCKER", docker } });
    expect(() => containerBody(run, {})).toThrow(
      /parameter "colour" is not known to Brigade's embedded Mesos, must be one of add-host, cap-add, .*workdir$/,
    );
  });
});

test("a relative host path is one of the sandbox, also where it leaves it, and a relative container path one in it", () => {
  const volumes: Volume[] = [
    { hostPath: "../../x", containerPath: "/x", mode: "RW" },
    { hostPath: "/y", containerPath: "y", mode: "RO" },
  ];
  const container = { type: "DOCKER", volumes, docker: { image: "i" } } as const;
  const run = dockerRun({ name: "n", container, command: { value: "x" }, env: {}, sandbox: "/a/b/c", resources: [] });
  expect(run.binds).toEqual(["/a/b/c/../../x:/x:rw", "/y:/mnt/mesos/sandbox/y:ro", "/a/b/c:/mnt/mesos/sandbox"]);
  // The least that Mesos gives.
  expect(run.limits).toEqual({ cpuShares: 2, memoryBytes: 32 * 1024 * 1024 });
});

test("a limit of memory leaves what was asked for as what it keeps, and one beyond the machine is the machine's", () => {
  const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });
  const asked = [scalar("cpus", 1), scalar("mem", 512)];
  const machineBytes = 1024 ** 3;
  const half = machineBytes / 2;
  const unlimited = { cpus: { value: Infinity }, mem: { value: Infinity } };
  const more = { memoryReservationBytes: half, oomScoreAdj: 500 };
  expect(dockerLimits(asked, unlimited, machineBytes)).toEqual({ cpuShares: 1024, memoryBytes: machineBytes, ...more });
  expect(dockerLimits(asked, { cpus: { value: 0.001 } }, machineBytes)).toEqual({
    cpuShares: 1024,
    cpuQuota: 1000,
    memoryBytes: half,
  });
  expect(dockerLimits(asked, { mem: { value: 512 } }, machineBytes)).toEqual({ cpuShares: 1024, memoryBytes: half });
});

test("tasks without a limit count with what they ask for, and so does their executor", () => {
  const task = (resources: readonly Resource[], limits: TaskInfo["limits"]): TaskInfo =>
    ({ resources, limits }) as Partial<TaskInfo> as TaskInfo;
  const cpus = [{ name: "cpus", type: "SCALAR", scalar: { value: 1 } }] as const;
  const executor: ExecutorInfo = { executorId: "e" as ExecutorId, resources: cpus };
  const tasks = [task(cpus, { cpus: { value: 3 } }), task(cpus, undefined)];
  expect(containerLimits(executor, tasks)).toEqual({ cpus: { value: 5 } });
  expect(containerLimits(executor, [task(cpus, undefined)])).toEqual({});
});

test("a framework's parameters become what docker run makes of them", () => {
  const parameters = [
    { key: "label", value: "owner=me=too" },
    { key: "cap-drop", value: "ALL" },
    { key: "init", value: "true" },
    { key: "net", value: "other" },
  ];
  const docker = { image: "i", parameters };
  const parts = { name: "n", command: { value: "x" }, env: { A: "B" }, sandbox: "/s", resources: [] };
  const body = containerBody(dockerRun({ ...parts, container: { type: "DOCKER", docker } }), { a: "b" });
  expect(body).toMatchObject({
    Entrypoint: ["/bin/sh"],
    Cmd: ["-c", "x"],
    Env: ["A=B"],
    Labels: { a: "b", owner: "me=too" },
    HostConfig: { NetworkMode: "other", CapDrop: ["ALL"], Init: true, AutoRemove: true },
  });
});

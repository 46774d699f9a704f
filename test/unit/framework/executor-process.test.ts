import { describe, expect, test } from "bun:test";
import type { ExecutorSpec, ProcessorSpec } from "../../../src/config/processor.ts";
import { executorProcess } from "../../../src/framework/executor-process.ts";
import { runTemplate } from "../../../src/framework/run-template.ts";
import { processorSpec } from "../../support/specs.ts";

const options = { deployment: "test", executorCommand: "/opt/brigade executor", executorEnv: [] };

function spec(executor: Partial<ExecutorSpec>, overrides: Partial<ProcessorSpec> = {}): ProcessorSpec {
  const { executor: base } = processorSpec();
  return processorSpec({
    program: { type: "image", image: "resize:1", command: null, container: { pull: "if-missing" } },
    isolation: "container",
    ...overrides,
    executor: { ...base, ...executor },
  });
}

const container = { image: "brigade:1", forcePull: false, volumes: [] };
const agentFolder = { hostPath: "../../../../../..", containerPath: "/mnt/brigade/agent", mode: "RW" as const };
const policy = { hostPath: "/etc/brigade", containerPath: "/etc/brigade", mode: "RO" as const };
const socket = { hostPath: "/var/run/docker.sock", containerPath: "/var/run/docker.sock", mode: "RW" as const };
const deployment = { name: "BRIGADE_DEPLOYMENT", value: "test" };

describe("an executor on the host", () => {
  test("is the given command, with the deployment's environment below the processor's", () => {
    const executorEnv = [
      ["A", "deployment"],
      ["B", "deployment"],
    ] as const;
    expect(executorProcess(spec({ env: [["B", "processor"]] }), { ...options, executorEnv })).toEqual({
      command: {
        shell: true,
        value: "/opt/brigade executor",
        environment: {
          variables: [{ name: "A", value: "deployment" }, { name: "B", value: "processor" }, deployment],
        },
      },
    });
  });
});

describe("an executor in a container", () => {
  test("gets the argument to its image's entrypoint, the host's network, the Engine's socket and the agent's sandboxes", () => {
    expect(executorProcess(spec({ container }), options)).toEqual({
      command: {
        shell: false,
        arguments: ["executor"],
        environment: { variables: [deployment, { name: "BRIGADE_AGENT_FOLDER", value: "/mnt/brigade/agent" }] },
      },
      container: {
        type: "DOCKER",
        volumes: [policy, agentFolder, socket],
        docker: { image: "brigade:1", network: "HOST", forcePullImage: false },
      },
    });
  });

  test("sees what its environment names: another socket, certificates, credentials", () => {
    const env = [
      ["DOCKER_HOST", "unix:///run/user/1000/docker.sock"],
      ["DOCKER_CONFIG", "/etc/registry"],
    ] as const;
    expect(executorProcess(spec({ container, env }), options).container?.volumes).toEqual([
      policy,
      { hostPath: "/etc/registry", containerPath: "/etc/registry", mode: "RO" },
      agentFolder,
      { hostPath: "/run/user/1000/docker.sock", containerPath: "/run/user/1000/docker.sock", mode: "RW" },
    ]);
    const tls = [
      ["DOCKER_HOST", "tcp://engine:2376"],
      ["DOCKER_CERT_PATH", "/etc/docker-client"],
    ] as const;
    expect(executorProcess(spec({ container, env: tls }), options).container?.volumes).toEqual([
      policy,
      { hostPath: "/etc/docker-client", containerPath: "/etc/docker-client", mode: "RO" },
      agentFolder,
    ]);
  });

  test("sees the folders of secrets and credentials, each once", () => {
    const secrets = [
      ["A", "/run/secrets/a"],
      ["B", "/run/secrets/b"],
      ["C", "/c"],
    ] as const;
    const containerOptions = { pull: "if-missing", credentials: "/etc/brigade/registry.json" } as const;
    const program = { type: "image", image: "resize:1", command: null, container: containerOptions } as const;
    expect(executorProcess(spec({ container }, { secrets, program }), options).container?.volumes).toEqual([
      policy,
      { hostPath: "/run/secrets", containerPath: "/run/secrets", mode: "RO" },
      { hostPath: "/c", containerPath: "/c", mode: "RO" },
      agentFolder,
      socket,
    ]);
  });

  test("gets its own volumes, and without containers to start nothing else", () => {
    const parameters = [{ key: "init", value: "true" }];
    const volumes = [{ hostPath: "/srv", containerPath: "/srv", mode: "RO" as const }];
    const program = { type: "command" as const, command: "cat" };
    const process = spec({ container: { ...container, volumes } }, { program, isolation: "process" });
    expect(executorProcess(process, options)).toEqual({
      command: { shell: false, arguments: ["executor"], environment: { variables: [deployment] } },
      container: {
        type: "DOCKER",
        volumes: [policy, ...volumes],
        docker: { image: "brigade:1", network: "HOST", forcePullImage: false, parameters },
      },
    });
  });

  test("is another executor as soon as anything of its container changes", () => {
    const hashes = [
      spec({}),
      spec({ container }),
      spec({ container: { ...container, image: "brigade:2" } }),
      spec({ container: { ...container, forcePull: true } }),
      spec({ container: { ...container, volumes: [{ hostPath: "/a", containerPath: "/a", mode: "RW" }] } }),
    ].map((one) => runTemplate(one, options).shared.task.executor?.hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

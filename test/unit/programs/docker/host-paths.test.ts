import { expect, test } from "bun:test";
import { hostPathsOf } from "../../../../src/programs/docker/host-paths.ts";

const agentFolder = "/var/lib/mesos/slaves/a1-S0";
const hostSandbox = `${agentFolder}/frameworks/f1/executors/worker/runs/c1`;
const sandbox = "/mnt/mesos/sandbox";
const isMounted = (path: string): boolean => path === "/mnt/brigade/agent/frameworks/f1/executors/worker/runs/c1";

test("an executor on the host sees every path as the host does", () => {
  for (const places of [
    { sandbox: hostSandbox, hostSandbox, agentFolder: undefined },
    { sandbox: undefined, hostSandbox: undefined, agentFolder: undefined },
  ]) {
    const paths = hostPathsOf(places);
    expect(paths.toHost(`${hostSandbox}/containers.lock`)).toBe(`${hostSandbox}/containers.lock`);
    expect(paths.fromHost("/elsewhere/containers.lock")).toBe("/elsewhere/containers.lock");
  }
});

test("an executor in a container tells the host's paths of what lies in its sandbox", () => {
  const paths = hostPathsOf({ sandbox, hostSandbox, agentFolder: "/mnt/brigade/agent" }, isMounted);
  expect(paths.toHost("/mnt/mesos/sandbox/containers.lock")).toBe(`${hostSandbox}/containers.lock`);
  expect(paths.fromHost(`${hostSandbox}/containers.lock`)).toBe("/mnt/mesos/sandbox/containers.lock");
});

test("an executor in a container sees the sandboxes of its agent, and no others", () => {
  const paths = hostPathsOf({ sandbox, hostSandbox, agentFolder: "/mnt/brigade/agent" }, isMounted);
  const other = "frameworks/f2/executors/other/runs/c2/containers.lock";
  expect(paths.fromHost(`${agentFolder}/${other}`)).toBe(`/mnt/brigade/agent/${other}`);
  expect(paths.fromHost(`/var/lib/mesos/slaves/a1-S01/${other}`)).toBeUndefined();
});

test("without the agent's folder, with a wrong one, or in a sandbox of another form, only the own sandbox is seen", () => {
  const other = `${agentFolder}/frameworks/f2/executors/other/runs/c2/containers.lock`;
  expect(hostPathsOf({ sandbox, hostSandbox, agentFolder: undefined }).fromHost(other)).toBeUndefined();
  // What is mounted is another folder.
  const wrong = hostPathsOf({ sandbox, hostSandbox, agentFolder: "/mnt/brigade/agent" }, () => false);
  expect(wrong.fromHost(other)).toBeUndefined();
  expect(wrong.fromHost(`${hostSandbox}/a`)).toBe("/mnt/mesos/sandbox/a");
  const odd = hostPathsOf({ sandbox, hostSandbox: "/srv/sandbox", agentFolder: "/mnt/brigade/agent" });
  expect(odd.fromHost(other)).toBeUndefined();
  expect(odd.toHost("/mnt/mesos/sandbox/a")).toBe("/srv/sandbox/a");
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerSpec } from "../../../src/config/container.ts";
import { DockerEngine } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { ContainerExecutor, containerRequest, type RunParts } from "./harness.ts";

/*
 * What a program sees of Docker's options, at a real Engine, which is started here.
 */

const engine = await DockerEngine.start();
const why = typeof engine === "string" ? ` [${engine}]` : "";
const docker = engine as DockerEngine;
const ENTRYPOINT_IMAGE = "brigade-test-entry:1";
const NETWORK = "brigade-test-network";

afterAll(async () => {
  if (typeof engine !== "string") await engine[Symbol.asyncDispose]();
});

interface Inspected {
  readonly Labels: Readonly<Record<string, string>>;
  readonly HostConfig: { readonly Devices: unknown };
}

describe.skipIf(why !== "")(`a container${why}`, () => {
  let executor: ContainerExecutor;
  beforeAll(async () => {
    executor = new ContainerExecutor(docker);
    await docker.makeImage(ENTRYPOINT_IMAGE, ['ENTRYPOINT ["/bin/echo","entry"]', 'CMD ["own"]', "USER 7"]);
    await docker.post("/networks/create", { Name: NETWORK, Driver: "bridge" });
  });
  afterAll(async () => {
    await eventually("no container is left", async () => (await docker.containers()).length === 0);
    await docker.request("DELETE", `/networks/${NETWORK}`);
    await executor[Symbol.asyncDispose]();
  });

  async function prints(
    container: Partial<ContainerSpec>,
    command: string | readonly string[] | null,
    parts: RunParts = {},
  ): Promise<string> {
    const { outcome, stdout, stderrTail } = await executor.run(containerRequest(command, { ...parts, container }));
    expect([outcome.type, Buffer.from(stderrTail).toString(), outcome]).toEqual(["succeeded", "", outcome]);
    return Buffer.from(stdout).toString();
  }

  /** What the Engine says of a container with these options while its program sleeps. */
  async function whileItSleeps(container: Partial<ContainerSpec>): Promise<Inspected> {
    const { handle, end } = executor.start(containerRequest(["sleep", "1000"], { container }));
    try {
      const [found] = await eventually("it runs", async () => {
        const running = (await docker.containers()).filter(({ State }) => State === "running");
        return running.length === 1 && running;
      });
      const { Config, HostConfig } = (await (await docker.request("GET", `/containers/${found?.Id}/json`)).json()) as {
        Config: Pick<Inspected, "Labels">;
        HostConfig: Inspected["HostConfig"];
      };
      return { ...Config, HostConfig };
    } finally {
      handle.kill(0);
      await end;
    }
  }

  const image = ENTRYPOINT_IMAGE;

  test("has another entrypoint, which the image's command does not follow", async () => {
    expect(await prints({ entrypoint: ["/bin/echo", "a b"] }, null, { image })).toBe("a b\n");
    expect(await prints({ entrypoint: ["/bin/echo"] }, ["c"], { image })).toBe("c\n");
  });

  test("has no entrypoint, so that the command is the program", async () => {
    expect(await prints({ entrypoint: [] }, ["/bin/echo", "alone"], { image })).toBe("alone\n");
  });

  test("runs as a user and a group", async () => {
    expect(await prints({ entrypoint: [] }, "id -u", { image })).toBe("7\n");
    expect(await prints({ user: "1000:1001" }, "id -u; id -g")).toBe("1000\n1001\n");
  });

  test("starts in a folder, which is made", async () => {
    expect(await prints({ workdir: "/work/here" }, "pwd")).toBe("/work/here\n");
  });

  test("has a network of its own, the host's, or none", async () => {
    const interfaces = "ls /sys/class/net";
    expect(await prints({ network: NETWORK }, interfaces)).toMatch(/^eth0\nlo\n$/);
    expect(await prints({ network: "none" }, interfaces)).toBe("lo\n");
    const ofHost = (): string => Bun.spawnSync(["ls", "/sys/class/net"]).stdout.toString();
    // Those of containers come and go.
    await eventually("it sees the host's", async () => (await prints({ network: "host" }, interfaces)) === ofHost());
  });

  test("has a host name, and knows others", async () => {
    const options = { hostname: "worker-1", extraHosts: ["db:10.0.0.7", "six:::1"], network: NETWORK };
    const [name, ...hosts] = (await prints(options, "cat /etc/hostname /etc/hosts")).split("\n");
    expect(name).toBe("worker-1");
    expect(hosts).toContain("10.0.0.7\tdb");
    expect(hosts).toContain("::1\tsix");
  });

  test("asks other name servers", async () => {
    const lines = (await prints({ dns: ["10.0.0.53"], network: "host" }, "cat /etc/resolv.conf")).split("\n");
    expect(lines.filter((line) => line.startsWith("nameserver"))).toEqual(["nameserver 10.0.0.53"]);
  });

  test("has labels beside Brigade's own, which win", async () => {
    const labels = [
      ["io.brigade.owner", "forged"],
      ["team", "maps"],
    ] as const;
    const { Labels } = await whileItSleeps({ labels });
    expect(Labels).toMatchObject({ team: "maps", "io.brigade.owner": expect.stringMatching(/^owner-/) });
  });

  test("cannot change its files, but those in memory", async () => {
    const options = { readOnly: true, tmpfs: [["/scratch", "size=1m,mode=700"]] } as const;
    const mount = await prints(options, "touch /x 2>/dev/null || touch /scratch/x && grep ' /scratch ' /proc/mounts");
    expect(mount).toMatch(/^tmpfs \/scratch tmpfs rw,.*\bsize=1024k,mode=700\b/);
  });

  test("writes into the host's folders where it may", async () => {
    const folder = mkdtempSync(join(tmpdir(), "brigade-volume-"));
    const volume = { hostPath: folder, containerPath: "/here" } as const;
    const write = (mode: "RO" | "RW"): RunParts => ({ spec: { volumes: [{ ...volume, mode }] } });
    expect(await prints({}, "echo x >/here/x && cat /here/x", write("RW"))).toBe("x\n");
    expect(readFileSync(join(folder, "x"), "utf8")).toBe("x\n");
    expect(await prints({}, "touch /here/y 2>/dev/null || echo refused", write("RO"))).toBe("refused\n");
    rmSync(folder, { recursive: true });
  });

  test("has as much shared memory as it is to have", async () => {
    expect(await prints({ shmBytes: 1_048_576 }, "grep ' /dev/shm ' /proc/mounts")).toContain("size=1024k");
  });

  test("has the kernel's limits", async () => {
    const ulimits = [
      { name: "core", soft: 0, hard: 0 },
      { name: "nofile", soft: 64, hard: 128 },
    ];
    expect(await prints({ ulimits }, "ulimit -Hc; ulimit -n; ulimit -Hn")).toBe("0\n64\n128\n");
  });

  test("has the capabilities that it is to have", async () => {
    const effective = "grep CapEff /proc/self/status";
    expect(await prints({ capDrop: ["ALL"] }, effective)).toBe("CapEff:\t0000000000000000\n");
    // CAP_KILL is bit 5.
    expect(await prints({ capDrop: ["ALL"], capAdd: ["KILL"] }, effective)).toBe("CapEff:\t0000000000000020\n");
  });

  test("has devices of the host, to do with them what it may", async () => {
    const device = { hostPath: "/dev/zero", containerPath: "/dev/nought" };
    const read = "dd if=/dev/nought bs=3 count=1 2>/dev/null | wc -c";
    expect(await prints({ devices: [{ ...device, permissions: "r" }] }, read)).toBe("3\n");
    // Whether the kernel keeps to them depends on the machine.
    const devices = [{ ...device, permissions: "r" }];
    const { HostConfig } = await whileItSleeps({ devices });
    expect(HostConfig.Devices).toEqual([
      { PathOnHost: "/dev/zero", PathInContainer: "/dev/nought", CgroupPermissions: "r" },
    ]);
  });

  test("is privileged, where the Engine itself is", async () => {
    const create = { Image: "brigade-test-busybox:1", Cmd: ["true"], HostConfig: { Privileged: true } };
    const { Id } = (await docker.post("/containers/create", create)) as { Id: string };
    const engineMay = await docker.request("POST", `/containers/${Id}/start`).then(
      () => true,
      () => false,
    );
    await docker.request("DELETE", `/containers/${Id}?force=1`);

    const { outcome, stdout } = await executor.run(
      containerRequest("grep CapEff /proc/self/status", { container: { privileged: true } }),
    );
    if (engineMay) {
      expect(outcome).toEqual({ type: "succeeded" });
      // CAP_SYS_ADMIN, which no other container has, is bit 21.
      expect(Buffer.from(stdout).toString()).toMatch(/^CapEff:\t[0-9a-f]{10}[2367abef][0-9a-f]{5}\n$/);
    } else {
      expect(outcome).toMatchObject({ type: "not-startable", reason: "option-refused" });
    }
  });

  const noDevice = [{ hostPath: "/dev/none", containerPath: "/dev/none", permissions: "rwm" }];
  test.each<readonly [what: string, container: Partial<ContainerSpec>, words: string]>([
    ["a user that the image does not have", { user: "nobody" }, "unable to find user nobody"],
    ["a group that the image does not have", { user: "1:staff" }, "unable to find group staff"],
    ["a network that is not there", { network: "nowhere" }, "network nowhere not found"],
    ["another container's network, which is not there", { network: "container:gone" }, "No such container: gone"],
    ["a device that is not there", { devices: noDevice }, "/dev/none"],
    ["mount options that do not exist", { tmpfs: [["/x", "nope=1"]] }, "invalid tmpfs option"],
    ["a limit above the Engine's own", { ulimits: [{ name: "nofile", soft: 1e12, hard: 1e12 }] }, "rlimit"],
    ["a working folder that is a file", { workdir: "/bin/busybox" }, "is not a directory"],
    ["GPUs of a machine without any", { gpus: 1024 }, "gpu"],
  ])("%s: the processor is at fault, in the Engine's words", async (_what, container, words) => {
    const { outcome } = await executor.run(containerRequest(["true"], { container }));
    expect(outcome).toMatchObject({
      type: "not-startable",
      reason: "option-refused",
      message: expect.stringContaining(words),
    });
  });

  test("a file as a volume where the image has a folder is no missing program", async () => {
    const volumes = [{ hostPath: import.meta.path, containerPath: "/bin", mode: "RO" }] as const;
    const { outcome } = await executor.run(containerRequest(["true"], { spec: { volumes } }));
    expect(outcome).toMatchObject({ type: "not-startable", reason: "option-refused" });
  });
});

import { describe, expect, test } from "bun:test";
import { parseProcessors } from "../../../src/config/processor-schema.ts";

/** Problems of a processor that is right but for `fields`, as `path: message (hint)`. */
function withFields(fields: Record<string, unknown>): string[] {
  const text = JSON.stringify({ name: "a", input: "in", docker: "image", ...fields });
  return parseProcessors(text, "test.json").problems.map(
    ({ path, message, hint }) => `${path}: ${message}${hint === undefined ? "" : ` (${hint})`}`,
  );
}

describe("an option of containers that is none", () => {
  const refused: readonly (readonly [option: Record<string, unknown>, problem: string])[] = [
    [{ pull: "missing" }, '.pull is "missing", must be one of "if-missing", "always", "never"'],
    [{ credentials: "config.json" }, '.credentials is "config.json", must be an absolute path'],
    [
      { entrypoint: "/bin/run --fast" },
      '.entrypoint is "/bin/run --fast", must be a program (text without blanks), or an array of texts (the program and its first arguments)',
    ],
    [{ arguments: "--fast" }, '.arguments is "--fast", must be an array of texts'],
    [
      { user: "a b" },
      '.user is "a b", must be a user or its number, and a group after a colon if need be, such as "1000:1000"',
    ],
    [{ workdir: "work" }, '.workdir is "work", must be an absolute path'],
    [
      { network: "my net" },
      '.network is "my net", must be "none", "host", "bridge", the name of a network, or "container:" and the name of a container',
    ],
    [
      { hostname: "x".repeat(64) },
      `.hostname is "${"x".repeat(56)}…, must be a host name: 1 to 63 letters, digits, hyphens and dots`,
    ],
    [
      { "extra-hosts": ["db"] },
      '.extra-hosts[0] is "db", must be a name and its IP address, such as "db:10.0.0.7" ("host-gateway" stands for the agent\'s host)',
    ],
    [
      { "extra-hosts": ["db:10.0.0"] },
      '.extra-hosts[0] is "db:10.0.0", must be a name and its IP address, such as "db:10.0.0.7" ("host-gateway" stands for the agent\'s host)',
    ],
    [{ dns: ["resolver"] }, '.dns[0] is "resolver", must be an IP address such as "10.0.0.53"'],
    [{ dns: "10.0.0.53" }, '.dns is "10.0.0.53", must be an array of IP addresses'],
    [{ labels: ["a=b"] }, '.labels is ["a=b"], must be an object of labels, such as {"team": "maps"}'],
    [{ labels: { a: 1 } }, ".labels.a is 1, must be text"],
    [{ labels: { "a=b": "c" } }, '.labels["a=b"] is under the name "a=b", must be under a name without blanks and "="'],
    [{ "read-only": "yes" }, '.read-only is "yes", must be true or false'],
    [
      { tmpfs: ["tmp"] },
      '.tmpfs[0] is "tmp", must be an absolute path, and mount options after a colon if need be, such as "/tmp:size=64m,mode=1777"',
    ],
    [
      { "shm-size": "0MB" },
      '.shm-size is "0MB", must be a size such as "900kB" or "1MB", at least 1 byte and at most 1 TiB',
    ],
    [
      { ulimits: { nofiles: 5 } },
      '.ulimits.nofiles is under the name "nofiles", must be under one of core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack',
    ],
    [{ ulimits: { nofile: 1.5 } }, ".ulimits.nofile is 1.5, must be a whole number, or -1 for no limit"],
    [
      { ulimits: { nofile: { soft: 1 } } },
      ".ulimits.nofile.hard is missing, must be a whole number, or -1 for no limit",
    ],
    [{ "cap-add": ["NET"] }, '.cap-add[0] is "NET", must be a capability of Linux such as "NET_ADMIN", or "ALL"'],
    [{ "cap-drop": "ALL" }, '.cap-drop is "ALL", must be an array of capabilities'],
    [
      { devices: ["/dev/sda:/dev/x:rx"] },
      '.devices[0] is "/dev/sda:/dev/x:rx", must be a device, where the container sees it, and what it may do there, such as "/dev/sda", "/dev/sda:/dev/disk" or "/dev/sda:/dev/disk:r"',
    ],
    [{ gpus: 0 }, '.gpus is 0, must be "all", how many, or an array of their ids'],
    [{ gpus: [] }, '.gpus is [], must be "all", how many, or an array of their ids'],
    [{ privileged: 1 }, ".privileged is 1, must be true or false"],
    [{ readonly: true }, '.readonly is no known field (did you mean "read-only"?)'],
    [{ extra_hosts: [] }, '.extra_hosts is no known field (did you mean "extra-hosts"?)'],
  ];
  for (const [option, problem] of refused) {
    test(`${JSON.stringify(option).slice(0, 60)} is refused by name and range`, () => {
      expect(withFields({ container: option }).map((line) => line.replace(/^.*?: container/, ""))).toEqual([problem]);
    });
  }
});

describe("options that do not go together", () => {
  test("options need an image", () => {
    expect(withFields({ docker: undefined, command: "cat", container: { user: "1" } })).toEqual([
      "$.container: container is given although there is no image, must not be (docker names the image)",
    ]);
  });

  test("arguments have one place", () => {
    expect(withFields({ command: ["a"], container: { arguments: ["b"] } })).toEqual([
      "$.container.arguments: container.arguments stands beside command, which is the same: must replace it or go",
    ]);
  });

  test("without an entrypoint there must be a command", () => {
    expect(withFields({ container: { entrypoint: [] } })).toEqual([
      "$.container.entrypoint: container.entrypoint is [], which leaves no program, must have command beside it",
    ]);
    expect(withFields({ command: ["cat"], container: { entrypoint: [] } })).toEqual([]);
    expect(withFields({ container: { entrypoint: [], arguments: ["cat"] } })).toEqual([]);
  });

  test("the dev branch's forcePull is a pull before each run", () => {
    const extractor = { dockerImage: "x", forcePull: "true" };
    expect(withFields({ docker: undefined, extractor, container: { pull: "never" } })).toEqual([
      '$.container.pull: container.pull is "never" although extractor.forcePull is true, must be "always"',
    ]);
    expect(withFields({ docker: undefined, extractor, container: { pull: "always" } })).toEqual([]);
  });

  test("a soft limit is within the hard one", () => {
    const ulimits = { nofile: { soft: 20, hard: 10 }, core: { soft: -1, hard: 0 }, nproc: { soft: 5, hard: -1 } };
    expect(withFields({ container: { ulimits } })).toEqual([
      "$.container.ulimits.nofile.soft: container.ulimits.nofile.soft is 20, must be hard (10) or less",
      "$.container.ulimits.core.soft: container.ulimits.core.soft is -1, must be hard (0) or less",
    ]);
  });

  test("a path in the container is used once, by volumes and tmpfs together", () => {
    const volumes = [{ "host-path": "/a", "container-path": "/b" }];
    expect(withFields({ volumes, container: { tmpfs: ["/b:size=1m", "/c", "/c"] } })).toEqual([
      '$.container.tmpfs[0]: container.tmpfs[0] is "/b" like that of a volume above it',
      '$.container.tmpfs[2]: container.tmpfs[2] is "/c" like that of a tmpfs above it',
    ]);
  });

  test("Brigade's labels are its own: by them it finds what it left behind", () => {
    expect(withFields({ container: { labels: { "io.brigade.owner": "me", team: "maps" } } })).toEqual([
      '$.container.labels["io.brigade.owner"]: container.labels["io.brigade.owner"] is Brigade\'s own: must not begin with io.brigade.',
    ]);
  });
});

test("every option is taken, and means the same however it is written", () => {
  const read = (container: Record<string, unknown>): unknown => {
    const text = JSON.stringify({ name: "a", input: "in", docker: "image", container });
    const { processors, problems } = parseProcessors(text, "test.json");
    expect(problems).toEqual([]);
    const [spec] = processors;
    return spec?.program.type === "image" ? { ...spec.program.container, command: spec.program.command } : undefined;
  };
  expect(
    read({
      pull: "always",
      credentials: "/etc/registry.json",
      entrypoint: "/bin/run",
      arguments: ["--fast", ""],
      user: "1000:1000",
      workdir: "/work",
      network: "none",
      hostname: "worker-1",
      "extra-hosts": ["db:10.0.0.7", "six=::1", "host:host-gateway"],
      dns: ["10.0.0.53", "::1"],
      labels: { team: "maps", area: "" },
      "read-only": "true",
      tmpfs: ["/tmp", "/run:size=1m,mode=1777"],
      "shm-size": "1MiB",
      ulimits: { nofile: 64, core: { soft: 0, hard: -1 } },
      "cap-add": ["CAP_NET_ADMIN", "sys_time"],
      "cap-drop": ["all"],
      devices: ["/dev/fuse", "/dev/sda:/dev/disk", "/dev/sdb:/dev/other:r"],
      gpus: ["0", "GPU-1"],
      privileged: true,
    }),
  ).toEqual({
    pull: "always",
    credentials: "/etc/registry.json",
    entrypoint: ["/bin/run"],
    command: ["--fast", ""],
    user: "1000:1000",
    workdir: "/work",
    network: "none",
    hostname: "worker-1",
    extraHosts: ["db:10.0.0.7", "six:::1", "host:host-gateway"],
    dns: ["10.0.0.53", "::1"],
    labels: [
      ["area", ""],
      ["team", "maps"],
    ],
    readOnly: true,
    tmpfs: [
      ["/tmp", ""],
      ["/run", "size=1m,mode=1777"],
    ],
    shmBytes: 1_048_576,
    ulimits: [
      { name: "core", soft: 0, hard: -1 },
      { name: "nofile", soft: 64, hard: 64 },
    ],
    capAdd: ["NET_ADMIN", "SYS_TIME"],
    capDrop: ["ALL"],
    devices: [
      { hostPath: "/dev/fuse", containerPath: "/dev/fuse", permissions: "rwm" },
      { hostPath: "/dev/sda", containerPath: "/dev/disk", permissions: "rwm" },
      { hostPath: "/dev/sdb", containerPath: "/dev/other", permissions: "r" },
    ],
    gpus: ["0", "GPU-1"],
    privileged: true,
  });
  expect(read({ user: 1000 })).toEqual(read({ user: "1000" }));
  expect(read({ ulimits: { nofile: "64", core: { soft: "0", hard: "-1" } }, gpus: "2" })).toEqual(
    read({ ulimits: { nofile: 64, core: { soft: 0, hard: -1 } }, gpus: 2 }),
  );
  expect(read({ "cap-add": [], labels: {}, "read-only": false, privileged: "false" })).toEqual(read({}));
});

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { currentUser } from "../../../src/config/current-user.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { type LoadedSettings, loadSettings, requireSettings } from "../../../src/config/settings-schema.ts";

const required = "MESOS_MASTER = master:5050\nKAFKA_ADDRESS = kafka:9092\n";

function load(text: string, env: Record<string, string> = {}, files: Record<string, string> = {}): LoadedSettings {
  return loadSettings({
    file: { path: "brigade.properties", text },
    env,
    currentUser: "brigade",
    readSecret(path) {
      const content = files[path];
      if (content === undefined) throw new Error("no such file");
      return content;
    },
  });
}

const shown = ({ problems }: LoadedSettings): string[] => problems.map(formatProblem);

test("every default", () => {
  const { settings, problems } = load(required);
  expect(problems).toEqual([]);
  expect(settings).toEqual({
    mesosMaster: { type: "hosts", hosts: [{ host: "master", port: 5050 }] },
    kafkaAddress: [{ host: "kafka", port: 9092 }],
    brigadeExecutor: null,
    executorImages: null,
    processorDir: "/etc/brigade/processors",
    processorPollMs: 10_000,
    deployment: "brigade",
    state: { type: "folder", path: "/var/lib/brigade/brigade" },
    apiAddress: { host: "127.0.0.1", port: 7000 },
    topicsCreate: false,
    mesosRole: "*",
    mesosUser: "brigade",
    mesosPrincipal: null,
    mesosSecret: null,
    failoverTimeoutMs: 604_800_000,
    stopTimeoutMs: 10_000,
    logLevel: "info",
    logFormat: "json",
  });
});

test("every key", () => {
  const { settings, problems } = load(
    `MESOS_MASTER = zk://u:p@z:2181/mesos
     KAFKA_ADDRESS = k1:9092,k2:9092
     BRIGADE_EXECUTOR = /opt/brigade executor
     PROCESSOR_DIR = /srv/processors
     PROCESSOR_POLL = 3
     DEPLOYMENT = test
     API_ADDRESS = none
     TOPICS_CREATE = TRUE
     MESOS_ROLE = batch/images
     MESOS_USER = nobody
     MESOS_PRINCIPAL = p
     MESOS_SECRET_FILE = /run/secret
     FAILOVER_TIMEOUT = 1weeks
     STOP_TIMEOUT = 1m30s
     LOG_LEVEL = Debug
     LOG_FORMAT = text`,
    {},
    { "/run/secret": "hunter2\n" },
  );
  expect(problems).toEqual([]);
  expect(settings).toMatchObject({
    mesosMaster: { type: "zookeeper", path: "/mesos", credentials: "u:p" },
    brigadeExecutor: "/opt/brigade executor",
    processorDir: "/srv/processors",
    processorPollMs: 3000,
    deployment: "test",
    state: { type: "folder", path: "/var/lib/brigade/test" },
    apiAddress: null,
    topicsCreate: true,
    mesosRole: "batch/images",
    mesosUser: "nobody",
    mesosPrincipal: "p",
    mesosSecret: "hunter2",
    failoverTimeoutMs: 604_800_000,
    stopTimeoutMs: 90_000,
    logLevel: "debug",
    logFormat: "text",
  });
});

test("the environment wins over the file, the file over the default, and each value names its origin", () => {
  const { settings, origins } = load(`${required}STATE = /a\nLOG_LEVEL = warn\nMESOS_ROLE =`, {
    STATE: "/b",
    MESOS_ROLE: "",
    UNRELATED: "x",
  });
  expect(settings).toMatchObject({ state: { type: "folder", path: "/b" }, logLevel: "warn", mesosRole: "*" });
  expect(origins.STATE).toEqual({ value: "/b", origin: "environment", secret: false });
  expect(origins.LOG_LEVEL).toEqual({ value: "warn", origin: "file", secret: false });
  expect(origins.MESOS_ROLE).toEqual({ value: "*", origin: "default", secret: false });
});

test("the state is a folder, or in ZooKeeper", () => {
  const state = (text: string) => load(`${required}STATE = ${text}`).settings?.state;
  expect(state("/srv/a@b")).toEqual({ type: "folder", path: "/srv/a@b" });
  expect(state("zk://u:p@z1:2181/brigade/blue")).toEqual({
    type: "zookeeper",
    servers: [{ host: "z1", port: 2181 }],
    path: "/brigade/blue",
    credentials: "u:p",
  });
  expect(shown(load(`${required}STATE = zk://u:hunter2@z1:2181`))).toEqual([
    'brigade.properties:3: error at STATE: STATE is "zk://u:***@z1:2181", must be a folder\'s path or zk://user:password@host:port,host:port/path',
  ]);
});

test("the original's properties file works, with a warning for what means nothing any more", async () => {
  const text = await Bun.file(join(import.meta.dir, "samples", "brigade.properties")).text();
  const loaded = load(text);
  expect(loaded.settings).toMatchObject({
    mesosMaster: {
      type: "zookeeper",
      servers: [{ host: "mesosmaster", port: 2181 }],
      path: "/mesos",
      credentials: null,
    },
    kafkaAddress: [{ host: "mesosmaster", port: 9092 }],
    brigadeExecutor: null,
    processorDir: "/etc/brigade/sample_config.json",
  });
  expect(loaded.problems.map(({ severity, path }) => `${severity} ${path}`)).toEqual([
    "warning BRIGADE_EXECUTOR",
    "warning MARATHON_ADDRESS",
    "warning GROUP_ID",
    "warning SCHEDULER_IMAGE",
  ]);
});

describe("mistakes", () => {
  test("are reported all at once, with their lines", () => {
    const loaded = load("MESOS_MASTER = master\nAPI_ADDRESS = 7000\nFAILOVER_TIMEOUT = 30s\nMESOS_ROLE = a//b\n", {
      LOG_LEVEL: "loud",
    });
    expect(loaded.settings).toBeUndefined();
    expect(shown(loaded)).toEqual([
      "brigade.properties: error at KAFKA_ADDRESS: KAFKA_ADDRESS is missing, must be host:port, or several with commas between",
      'brigade.properties:1: error at MESOS_MASTER: MESOS_MASTER is "master", must be host:port, host:port,host:port or zk://user:password@host:port,host:port/path',
      'brigade.properties:2: error at API_ADDRESS: API_ADDRESS is "7000", must be host:port (port 0 takes a free one), or "none"',
      'brigade.properties:3: error at FAILOVER_TIMEOUT: FAILOVER_TIMEOUT is "30s", must be a duration such as "90s", "5m" or "1h30m", from 1m to 3650d',
      'brigade.properties:4: error at MESOS_ROLE: MESOS_ROLE is "a//b", must be a role of Mesos such as "*" or "batch/images"',
      'environment: error at LOG_LEVEL: LOG_LEVEL is "loud", must be one of "debug", "info", "warn", "error"',
    ]);
    expect(() => requireSettings(loaded)).toThrow(
      /^Cannot use the settings: KAFKA_ADDRESS is missing.*; MESOS_MASTER is "master".*; LOG_LEVEL is "loud".* \(environment\)$/,
    );
  });

  test("in a key are warnings with the nearest one, in the case of letters too", () => {
    expect(
      shown(
        load(`${required}mesos_role = x\nLOG_LVL = info\nkafka.endpoint = a:1\nLOG_LEVEL = info\nLOG_LEVEL = warn`),
      ),
    ).toEqual([
      'brigade.properties:3: warning at mesos_role: mesos_role is no known setting and is ignored (did you mean "MESOS_ROLE"?)',
      'brigade.properties:4: warning at LOG_LVL: LOG_LVL is no known setting and is ignored (did you mean "LOG_LEVEL"?)',
      "brigade.properties:5: warning at kafka.endpoint: kafka.endpoint is no known setting and is ignored (its name here is KAFKA_ADDRESS)",
      "brigade.properties:7: warning at LOG_LEVEL: LOG_LEVEL is set in line 6 already, which no longer counts",
    ]);
  });
});

describe("secrets", () => {
  test("are hidden wherever settings are shown", () => {
    const loaded = load(`${required}MESOS_PRINCIPAL = p\nMESOS_SECRET = hunter2`, {
      MESOS_MASTER: "zk://user:hunter2@z:2181/mesos",
      STATE: "zk://user:hunter2@z:2181/brigade",
    });
    expect(loaded.settings?.mesosSecret).toBe("hunter2");
    expect(loaded.origins.MESOS_SECRET).toEqual({ value: "***", origin: "file", secret: true });
    expect(loaded.origins.MESOS_MASTER.value).toBe("zk://user:***@z:2181/mesos");
    expect(loaded.origins.STATE.value).toBe("zk://user:***@z:2181/brigade");
    expect(load(`${required}STATE = /srv/a@b`).origins.STATE.value).toBe("/srv/a@b");
    expect(JSON.stringify([loaded.origins, loaded.problems])).not.toContain("hunter2");
  });

  test("are hidden in messages as well", () => {
    const loaded = load(`MESOS_MASTER = zk://user:hunter2@z/mesos\nMESOS_SECRET = hunter2\0\n`);
    expect(loaded.settings).toBeUndefined();
    expect(JSON.stringify([loaded.origins, loaded.problems])).not.toContain("hunter2");
  });

  test("come from a file that can be read and is not empty, and from one place only", () => {
    const withFile = `${required}MESOS_PRINCIPAL = p\nMESOS_SECRET_FILE = /run/secret\n`;
    expect(shown(load(withFile))[0]).toContain(
      "MESOS_SECRET_FILE names /run/secret, which cannot be read: no such file",
    );
    expect(shown(load(withFile, {}, { "/run/secret": "\n" }))[0]).toContain("which is empty");
    expect(shown(load(`${withFile}MESOS_SECRET = x`, {}, { "/run/secret": "y" }))[0]).toContain(
      "is set beside MESOS_SECRET",
    );
  });

  test("need a principal", () => {
    expect(shown(load(`${required}MESOS_SECRET = x`))[0]).toContain("MESOS_SECRET is set without MESOS_PRINCIPAL");
  });
});

test("a user without a name must be given one", () => {
  const file = { path: "f", text: required };
  expect(shown(loadSettings({ file, env: {}, currentUser: "" }))[0]).toContain("MESOS_USER is missing");
  expect(loadSettings({ file, env: { MESOS_USER: "nobody" }, currentUser: "" }).problems).toEqual([]);
});

test("the name of the current user does not depend on the environment", () => {
  if (process.getuid?.() === 0) expect(currentUser({ USER: "someone" })).toBe("root");
  else expect(currentUser({})).toBe(currentUser({ USER: "someone" }));
});

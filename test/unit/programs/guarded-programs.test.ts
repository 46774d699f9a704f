import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerSpec } from "../../../src/config/container.ts";
import type { RunRequest, RunSpec } from "../../../src/engine/run-wire.ts";
import { GuardedPrograms } from "../../../src/programs/guarded-programs.ts";
import type { ClosablePrograms } from "../../../src/programs/isolated-programs.ts";
import { PolicyFile } from "../../../src/programs/policy-file.ts";
import type { ProgramEnd } from "../../../src/programs/programs.ts";
import { requestOf } from "./fixture.ts";

/*
 * Folders as an agent could have them: what is allowed, what is not, and links from one to the other.
 *
 *   allowed/file  allowed/pipe  allowed/out → elsewhere  elsewhere/file  in → allowed
 */
let root: string;
const at = (...parts: string[]): string => join(root, ...parts);

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "brigade-policy-"));
  for (const folder of ["allowed", "allowed-too", "elsewhere"]) mkdirSync(at(folder));
  writeFileSync(at("allowed/file"), "inside\n");
  writeFileSync(at("elsewhere/file"), "outside\n");
  symlinkSync(at("elsewhere"), at("allowed/out"));
  symlinkSync(at("allowed"), at("in"));
  Bun.spawnSync(["mkfifo", at("allowed/pipe")]);
});
afterAll(() => rmSync(root, { recursive: true }));

/** What reaches the programs behind the guard, or how the run ended before. */
async function admitted(request: RunRequest, policy: unknown = {}): Promise<RunSpec | ProgramEnd> {
  const file = at("agent.json");
  writeFileSync(file, typeof policy === "string" ? policy : JSON.stringify(policy));
  return through(request, new PolicyFile(file));
}

function through(request: RunRequest, policy: PolicyFile, onHost = true): Promise<RunSpec | ProgramEnd> {
  const { promise, resolve } = Promise.withResolvers<RunSpec | ProgramEnd>();
  const inner: ClosablePrograms = {
    start(_, { spec }) {
      resolve(spec);
      return { kill: () => undefined };
    },
    killAll: () => undefined,
    close: () => Promise.resolve(),
  };
  new GuardedPrograms(inner, policy, { onHost }).start("run", request, resolve);
  return promise;
}

function inContainer(container: Partial<ContainerSpec>, spec: Partial<RunSpec> = {}): RunRequest {
  const program = { type: "image", image: "x", command: null, container: { pull: "never", ...container } } as const;
  return requestOf("", { spec: { isolation: "container", program, ...spec } });
}

const volume = (hostPath: string): Partial<RunSpec> => ({
  volumes: [{ hostPath, containerPath: "/x", mode: "RO" }],
});

const refusal = (reason: string, message: string): object => ({
  type: "ended",
  result: { outcome: { type: "not-startable", reason, message } },
});

describe("what the agent's policy refuses pauses the processor, and says what must be", () => {
  test("privileged, unless it is allowed", async () => {
    const request = inContainer({ privileged: true });
    const message = "The agent's policy refuses container.privileged: must not be set (policy: privileged)";
    expect(await admitted(request)).toMatchObject(refusal("option-refused", message));
    expect(await admitted(request, { privileged: true })).toMatchObject({ name: "echo" });
  });

  test("plain commands, where they are not allowed", async () => {
    const message = "The agent's policy refuses plain commands: must be an image (policy: processes)";
    expect(await admitted(requestOf("cat"), { processes: false })).toMatchObject(refusal("option-refused", message));
    expect(await admitted(requestOf("cat"))).toMatchObject({ name: "echo" });
    expect(await admitted(inContainer({}), { processes: false })).toMatchObject({ name: "echo" });
  });

  test("capabilities and networks that it does not name", async () => {
    const request = inContainer({ capAdd: ["NET_ADMIN"], network: "host" });
    expect(await admitted(request, { capabilities: ["CHOWN", "KILL"] })).toMatchObject(
      refusal(
        "option-refused",
        'The agent\'s policy refuses container.cap-add "NET_ADMIN": must be CHOWN, KILL (policy: capabilities)',
      ),
    );
    expect(await admitted(request, { networks: [] })).toMatchObject(
      refusal(
        "option-refused",
        'The agent\'s policy refuses container.network "host": must be none (policy: networks)',
      ),
    );
    expect(await admitted(request, { networks: ["host"], capabilities: ["ALL"] })).toMatchObject({ name: "echo" });
    const all = inContainer({ capAdd: ["ALL"] });
    expect(await admitted(all, { capabilities: ["NET_ADMIN"] })).toMatchObject({ type: "ended" });
  });

  test("volumes outside its folders, be it by a link or by a name that only begins like one", async () => {
    const policy = (): object => ({ volumes: [at("allowed")] });
    for (const [path, how] of [
      [at("elsewhere"), ""],
      [at("allowed-too"), ""],
      [at("allowed/out"), `, which is ${at("elsewhere")}`],
      [at("allowed/../elsewhere/file"), ""],
      [`${at("allowed")}/../elsewhere/file`, `, which is ${at("elsewhere/file")}`],
      [at("allowed/gone"), ", which this executor does not see and cannot check"],
    ] as const) {
      const message = `The agent's policy refuses volume ${path}${how}: must be in ${at("allowed")} (policy: volumes)`;
      expect(await admitted(inContainer({}, volume(path)), policy())).toMatchObject(refusal("option-refused", message));
    }
    expect(await admitted(inContainer({}, volume(at("elsewhere"))))).toMatchObject(volume(at("elsewhere")));
  });

  test("every path of the host, where the executor runs in a container and lists are kept", async () => {
    const file = at("agent.json");
    const request = inContainer({}, volume(at("allowed")));
    writeFileSync(file, JSON.stringify({ volumes: [at("allowed")] }));
    const how = ", which this executor does not see and cannot check";
    const message = `The agent's policy refuses volume ${at("allowed")}${how}: must be in ${at("allowed")} (policy: volumes)`;
    expect(await through(request, new PolicyFile(file), false)).toMatchObject(refusal("option-refused", message));
    writeFileSync(file, JSON.stringify({ devices: [] }));
    expect(await through(request, new PolicyFile(file), false)).toMatchObject(volume(at("allowed")));
  });

  test("no volume inside them, whose links are resolved before Docker sees it", async () => {
    const policy = { volumes: [at("in")] };
    for (const path of [at("allowed"), at("allowed/file"), at("in/file"), at("in")]) {
      const real = path.replace(at("in"), at("allowed"));
      expect(await admitted(inContainer({}, volume(path)), policy)).toMatchObject(volume(real));
    }
    expect(await admitted(inContainer({}, volume("/")), { volumes: ["/"] })).toMatchObject(volume("/"));
  });

  test("devices that it does not name", async () => {
    const devices = [{ hostPath: "/dev/null", containerPath: "/dev/x", permissions: "r" }];
    expect(await admitted(inContainer({ devices }), { devices: ["/dev/zero"] })).toMatchObject(
      refusal("option-refused", "The agent's policy refuses device /dev/null: must be in /dev/zero (policy: devices)"),
    );
    for (const allowed of ["/dev/null", "/dev"]) {
      const spec = await admitted(inContainer({ devices }), { devices: [allowed] });
      expect(spec).toMatchObject({ program: { container: { devices } } });
    }
  });

  test("secrets and credentials outside its folders", async () => {
    const secrets = [["TOKEN", at("elsewhere/file")]] as const;
    const policy = { secrets: [at("allowed")] };
    const message = `refuses secret ${at("elsewhere/file")}: must be in ${at("allowed")} (policy: secrets)`;
    expect(await admitted(requestOf("cat", { spec: { secrets } }), policy)).toMatchObject(
      refusal("option-refused", `The agent's policy ${message}`),
    );
    expect(await admitted(inContainer({ credentials: at("elsewhere/file") }), policy)).toMatchObject({ type: "ended" });
    expect(await admitted(inContainer({ credentials: at("in/file") }), policy)).toMatchObject({
      program: { container: { credentials: at("allowed/file") } },
    });
  });
});

describe("the policy's file", () => {
  test("with a mistake lets nothing run, and the run goes elsewhere", async () => {
    expect(await admitted(requestOf("cat"), '{"volume": []}')).toEqual({
      type: "lost",
      message: `Cannot use the agent's policy ${at("agent.json")}: volume is no known field`,
    });
  });

  test("that is named and not there lets nothing run", async () => {
    const end = await through(requestOf("cat"), new PolicyFile(at("gone.json")));
    expect(end).toMatchObject({ type: "lost" });
    expect((end as { message: string }).message).toStartWith(`Cannot use the agent's policy ${at("gone.json")}`);
  });

  test("counts as it is now", async () => {
    const file = at("changing.json");
    const policy = new PolicyFile(file);
    writeFileSync(file, "{}");
    expect(await through(requestOf("cat"), policy)).toMatchObject({ name: "echo" });
    writeFileSync(at("new.json"), '{"processes": false}');
    renameSync(at("new.json"), file);
    expect(await through(requestOf("cat"), policy)).toMatchObject({ type: "ended" });
  });
});

describe("secrets", () => {
  const withSecret = (file: string): RunRequest =>
    requestOf("cat", { spec: { env: [["A", "1"]], secrets: [["S", file]] } });

  test("become environment, without the line end of the file", async () => {
    for (const [content, value] of [
      ["hunter2", "hunter2"],
      ["hunter2\n", "hunter2"],
      ["hunter2\r\n", "hunter2"],
      ["two\nlines\n\n", "two\nlines\n"],
      ["", ""],
    ] as const) {
      writeFileSync(at("secret"), content);
      expect(await admitted(withSecret(at("secret")))).toMatchObject({
        env: [
          ["A", "1"],
          ["S", value],
        ],
        secrets: [],
      });
    }
  });

  test("that cannot be had pause the processor, and nothing of them is shown", async () => {
    writeFileSync(at("nul"), "hunter2\0");
    writeFileSync(at("large"), "hunter2".repeat(20_000));
    writeFileSync(at("bytes"), Uint8Array.of(0xff, 0xfe));
    for (const [name, why] of [
      ["gone", "it does not exist"],
      ["allowed/file/x", "it does not exist"],
      ["allowed", "it must be a file"],
      ["allowed/pipe", "it must be a file"],
      ["nul", "it must be UTF-8 without NUL"],
      ["bytes", "it must be UTF-8 without NUL"],
      ["large", "it has more than 100000 bytes, which no variable can hold"],
    ] as const) {
      const message = `Cannot read secret S from ${at(name)} on the agent: ${why}`;
      expect(await admitted(withSecret(at(name)))).toMatchObject(refusal("secret-missing", message));
    }
  });
});

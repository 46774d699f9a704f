import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askCredentialHelper } from "../../../../src/programs/docker/credential-helper.ts";
import { registryCredentials } from "../../../../src/programs/docker/registry-credentials.ts";
import { rejection } from "../../../support/rejection.ts";

const decode = (text: string | undefined): unknown => JSON.parse(Buffer.from(text ?? "", "base64url").toString());
const basic = (pair: string): { auth: string } => ({ auth: Buffer.from(pair).toString("base64") });

/** A folder with Docker's config.json, and programs that are found in PATH. */
class DockerFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "brigade-credentials-"));
  readonly env = { DOCKER_CONFIG: this.path, PATH: `${this.path}:/usr/bin:/bin` };

  config(json: unknown, name = "config.json"): string {
    const file = join(this.path, name);
    writeFileSync(file, typeof json === "string" ? json : JSON.stringify(json));
    return file;
  }

  helper(name: string, script: string): void {
    const file = join(this.path, `docker-credential-${name}`);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

describe("registry credentials", () => {
  test("come from Docker's config.json, by the registry's host", async () => {
    using folder = new DockerFolder();
    folder.config({
      auths: { "https://index.docker.io/v1/": basic("me:pass:word"), "registry:5000": { identitytoken: "token" } },
    });
    const { env } = folder;
    expect(decode(await registryCredentials("docker.io", { env }))).toEqual({
      username: "me",
      password: "pass:word",
      serveraddress: "https://index.docker.io/v1/",
    });
    expect(decode(await registryCredentials("registry:5000", { env }))).toMatchObject({ identitytoken: "token" });
    expect(await registryCredentials("elsewhere", { env })).toBeUndefined();
  });

  test("come from another file where one is named, which then has to be there", async () => {
    using folder = new DockerFolder();
    folder.config({ auths: { "registry:5000": basic("wrong:one") } });
    const file = folder.config({ auths: { "registry:5000": basic("right:one") } }, "of-the-processor.json");
    const { env } = folder;
    expect(decode(await registryCredentials("registry:5000", { env, file }))).toMatchObject({ username: "right" });
    const gone = join(folder.path, "gone.json");
    const error = await rejection(registryCredentials("registry:5000", { env, file: gone }));
    expect(String(error)).toContain(`Cannot read registry credentials from ${gone}: it cannot be read`);
  });

  test("are none without the file", async () => {
    using folder = new DockerFolder();
    expect(await registryCredentials("docker.io", folder)).toBeUndefined();
  });

  test("are found where an old file has the address of an API, and beside entries that are empty", async () => {
    using folder = new DockerFolder();
    const auths = { "https://registry:5000/v1/": basic("me:one"), "registry:50": basic("me:two"), other: null };
    folder.config({ auths, credsStore: "none", credHelpers: { "registry:5000": "" } });
    expect(decode(await registryCredentials("registry:5000", folder))).toEqual({
      username: "me",
      password: "one",
      serveraddress: "https://registry:5000/v1/",
    });
  });

  test("are read from a file, and from nothing that has no end", async () => {
    using folder = new DockerFolder();
    for (const file of ["/dev/zero", folder.path]) {
      const error = await rejection(registryCredentials("docker.io", { env: {}, file }));
      expect(String(error)).toEndWith(`from ${file}: it must be a file of 1048576 bytes or less`);
    }
  });

  test.each(["{", "[]", '{"auths": 7}', '{"auths": {"a": "secret"}}'])(
    "of a file that is not Docker's config.json (%s) name it, and never what is in it",
    async (text) => {
      using folder = new DockerFolder();
      const file = folder.config(text);
      const error = await rejection(registryCredentials("docker.io", folder));
      expect(String(error)).toEndWith(`Cannot read registry credentials from ${file}: it must be Docker's config.json`);
      expect((error as Error).cause).toBeUndefined();
    },
  );

  test("come from the registry's helper, before that for all registries, before what is stored", async () => {
    using folder = new DockerFolder();
    const answer = (user: string): string =>
      `cat >>"$0.asked"; echo '{"ServerURL":"x","Username":"${user}","Secret":"s"}'`;
    folder.helper("own", answer("own"));
    folder.helper("all", answer("all"));
    folder.config({
      auths: { "registry:5000": basic("stored:x"), "https://index.docker.io/v1/": {} },
      credsStore: "all",
      credHelpers: { "registry:5000": "own" },
    });
    const { env } = folder;
    const of = async (registry: string): Promise<unknown> => decode(await registryCredentials(registry, { env }));
    expect(await of("registry:5000")).toEqual({ username: "own", password: "s", serveraddress: "registry:5000" });
    expect(await of("docker.io")).toMatchObject({ username: "all", serveraddress: "https://index.docker.io/v1/" });
    const asked = readFileSync(join(folder.path, "docker-credential-all.asked"), "utf8");
    expect(asked).toBe("https://index.docker.io/v1/\n");
  });

  test("are those that are stored where the helper knows nothing of the registry", async () => {
    using folder = new DockerFolder();
    folder.helper("all", 'echo "credentials not found in native keychain"; exit 1');
    folder.config({ auths: { "registry:5000": basic("stored:x"), elsewhere: {} }, credsStore: "all" });
    const { env } = folder;
    expect(decode(await registryCredentials("registry:5000", { env }))).toMatchObject({ username: "stored" });
    expect(await registryCredentials("elsewhere", { env })).toBeUndefined();
  });
});

describe("a credential helper", () => {
  test("whose user is <token> answers with an identity token", async () => {
    using folder = new DockerFolder();
    folder.helper("x", `echo '{"ServerURL":"r","Username":"<token>","Secret":"t"}'`);
    expect(await askCredentialHelper("x", "r", folder)).toEqual({
      username: "",
      password: "",
      identitytoken: "t",
      serveraddress: "r",
    });
  });

  test.each([
    ["gone", "", "docker-credential-gone for the credentials of r: it is not in PATH"],
    ["fails", "echo hunter2; exit 3", "docker-credential-fails for the credentials of r: it ended with exit code 3"],
    ["odd", "echo hunter2", "its answer is not the JSON of a credential helper"],
    ["../x", "", "this is no name of a helper"],
  ])("that is %s is named, and nothing that it printed is", async (name, script, message) => {
    using folder = new DockerFolder();
    if (script !== "") folder.helper(name, script);
    const error = await rejection(askCredentialHelper(name, "r", folder));
    expect(String(error)).toEndWith(message);
    expect(String(error)).not.toContain("hunter2");
  });

  test("that does not end is ended", async () => {
    using folder = new DockerFolder();
    folder.helper("x", "exec sleep 1000");
    const error = await rejection(askCredentialHelper("x", "r", { env: folder.env, timeoutMs: 50 }));
    expect(String(error)).toContain("it was ended by SIGTERM");
  });
});

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outcomeOf } from "../../../../src/programs/docker/container-exit.ts";
import { readEngineAddress } from "../../../../src/programs/docker/engine-address.ts";
import { parseImageName } from "../../../../src/programs/docker/image-name.ts";
import { Certificates } from "../../../support/certificates.ts";

describe("the Engine's address", () => {
  test.each([
    [{}, { type: "unix", path: "/var/run/docker.sock" }],
    [{ DOCKER_HOST: "" }, { type: "unix", path: "/var/run/docker.sock" }],
    [{ DOCKER_HOST: "unix:///run/user/1/docker.sock" }, { type: "unix", path: "/run/user/1/docker.sock" }],
    [{ DOCKER_HOST: "tcp://build:2375" }, { type: "tcp", host: "build", port: 2375 }],
    [{ DOCKER_HOST: "tcp://build" }, { type: "tcp", host: "build", port: 2375 }],
    [{ DOCKER_HOST: "tcp://[::1]:99" }, { type: "tcp", host: "::1", port: 99 }],
  ])("of %j", (env, address) => {
    expect(readEngineAddress(env)).toEqual(address as ReturnType<typeof readEngineAddress>);
  });

  test.each(["ssh://build", "unix://relative", "build:2375", "tcp://"])(
    "%s is refused with what would be right",
    (host) => {
      expect(() => readEngineAddress({ DOCKER_HOST: host })).toThrow(
        `DOCKER_HOST is "${host}", must be unix:///path/to/socket or tcp://host:port`,
      );
    },
  );

  const why = Certificates.lack === undefined ? "" : ` [${Certificates.lack}]`;
  test.skipIf(why !== "")(`with TLS takes the certificates of DOCKER_CERT_PATH, and another port${why}`, () => {
    using certificates = new Certificates();
    const folder = certificates.issue("client");
    const env = { DOCKER_HOST: "tcp://build", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder };
    const read = (name: string): string => readFileSync(join(folder, `${name}.pem`), "utf8");
    const identity = { ca: read("ca"), cert: read("cert"), key: read("key"), verify: true };
    expect(readEngineAddress(env)).toEqual({ type: "tls", host: "build", port: 2376, identity });
    expect(() => readEngineAddress({ ...env, DOCKER_CERT_PATH: "/nowhere" })).toThrow("/nowhere/ca.pem cannot be read");
    writeFileSync(join(folder, "key.pem"), "no key");
    expect(() => readEngineAddress(env)).toThrow(`in ${folder} are no certificates and key that fit each other`);
  });
});

test.each([
  ["busybox", "docker.io", "busybox", "latest"],
  ["busybox:1.36", "docker.io", "busybox", "1.36"],
  ["index.docker.io/team/app", "docker.io", "index.docker.io/team/app", "latest"],
  ["team/app", "docker.io", "team/app", "latest"],
  ["registry:5000/team/app", "registry:5000", "registry:5000/team/app", "latest"],
  ["registry.example/app:2", "registry.example", "registry.example/app", "2"],
  ["localhost/app:2", "localhost", "localhost/app", "2"],
  ["app@sha256:0123", "docker.io", "app@sha256:0123", null],
])("the image name %s", (image, registry, repository, tag) => {
  expect(parseImageName(image)).toEqual({ registry, repository, tag });
});

test.each([
  [0, false, { type: "succeeded" }],
  [3, false, { type: "exited", code: 3 }],
  [139, false, { type: "signaled", signal: "SIGSEGV" }],
  [137, false, { type: "signaled", signal: "SIGKILL" }],
  [137, true, { type: "out-of-memory" }],
  [1, true, { type: "out-of-memory" }],
  // Only a child of the program was killed, and the program coped.
  [0, true, { type: "succeeded" }],
  [255, false, { type: "exited", code: 255 }],
])("exit code %d, out of memory %p", (exitCode, outOfMemory, outcome) => {
  expect(outcomeOf({ exitCode, outOfMemory })).toEqual(outcome as ReturnType<typeof outcomeOf>);
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, createServer, type Server } from "node:net";
import type { RunRequest } from "../../../src/engine/run-wire.ts";
import { Certificates } from "../../support/certificates.ts";
import { DockerEngine } from "../../support/docker.ts";
import { eventually } from "../../support/e2e/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { ContainerExecutor, containerRequest } from "./harness.ts";

/*
 * An Engine that is reached by TCP, with TLS and without, as DOCKER_HOST and its companions tell.
 */

const certificates = Certificates.lack === undefined ? new Certificates() : undefined;
const port = await freePort();
const engine = await startEngine();
const why = typeof engine === "string" ? ` [${engine}]` : "";
const docker = engine as DockerEngine;

afterAll(async () => {
  if (typeof engine !== "string") await engine[Symbol.asyncDispose]();
  certificates?.[Symbol.dispose]();
});

function startEngine(): Promise<DockerEngine | string> | string {
  if (certificates === undefined) return Certificates.lack ?? "";
  const server = certificates.issue("server");
  const tls = [`--tlscacert=${server}/ca.pem`, `--tlscert=${server}/cert.pem`, `--tlskey=${server}/key.pem`];
  return DockerEngine.start(["--tlsverify", ...tls, `--host=tcp://127.0.0.1:${port}`]);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

describe.skipIf(why !== "")(`an Engine elsewhere${why}`, () => {
  const large = Buffer.alloc(1_000_000, "0123456789");
  const [echo, ...echoes] = ([{}, { warm: 1 }, { isolation: "exec" }] as const).map((spec) =>
    containerRequest(["cat"], { value: large, spec: { ...spec, maxOutputBytes: 2_000_000 } }),
  ) as [RunRequest, ...RunRequest[]];

  afterAll(() => eventually("no container is left", async () => (await docker.containers()).length === 0));

  test("is reached with TLS, each side knowing the other", async () => {
    const cert = certificates?.issue("client") ?? "";
    const env = { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: cert };
    for (const host of ["127.0.0.1", "localhost"]) {
      await using executor = new ContainerExecutor({ host: `tcp://${host}:${port}` }, {}, { env });
      for (const request of [echo, ...echoes]) {
        const { outcome, stdout } = await executor.run(request);
        expect(outcome).toEqual({ type: "succeeded" });
        expect(Buffer.compare(stdout, large)).toBe(0);
      }
    }
  });

  test("does not take a client of another authority, nor does the client take it", async () => {
    const cert = certificates?.issue("stranger", "another") ?? "";
    for (const verify of ["1", ""]) {
      const env = { DOCKER_TLS_VERIFY: verify, DOCKER_CERT_PATH: cert };
      await using executor = new ContainerExecutor({ host: `tcp://127.0.0.1:${port}` }, {}, { env });
      const end = await executor.start(echo).end;
      expect(end).toMatchObject({ type: "lost" });
      expect((end as { message: string }).message).toContain(`no Docker Engine at tcp://127.0.0.1:${port}`);
    }
  });

  describe("without TLS", () => {
    let proxy: Server;
    let address: string;
    beforeAll(async () => {
      proxy = createServer({ allowHalfOpen: true }, (client) => {
        const upstream = connect({ path: docker.socket, allowHalfOpen: true });
        client.pipe(upstream).pipe(client);
        for (const [one, other] of [
          [client, upstream],
          [upstream, client],
        ] as const) {
          one.on("error", () => other.destroy());
          one.on("close", () => other.destroy());
        }
      });
      address = `tcp://127.0.0.1:${await listen(proxy)}`;
    });
    afterAll(() => proxy.close());

    test("is reached by TCP alone", async () => {
      await using executor = new ContainerExecutor({ host: address });
      for (const request of [echo, ...echoes]) {
        const { outcome, stdout } = await executor.run(request);
        expect(outcome).toEqual({ type: "succeeded" });
        expect(Buffer.compare(stdout, large)).toBe(0);
      }
    });
  });
});

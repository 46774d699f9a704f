import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DockerEngine } from "./docker.ts";

/** What a test does at the moment before a request reaches the Engine. @param request `POST /containers/x/start` */
type Act = (request: string) => Promise<unknown>;

/**
 * Stands between a client and its Engine, for tests of what happens at an unlucky moment: between two calls of one run.
 * A request that a test waits for is held until the test has done its work.
 */
export class EngineGate implements AsyncDisposable {
  /** As DOCKER_HOST. */
  readonly host: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "brigade-gate-"));
  readonly #docker: DockerEngine;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#serve(client));
  readonly #acts: { readonly pattern: RegExp; readonly act: Act }[] = [];

  private constructor(docker: DockerEngine) {
    this.#docker = docker;
    this.host = `unix://${join(this.#folder, "docker.sock")}`;
  }

  static async start(docker: DockerEngine): Promise<EngineGate> {
    const gate = new EngineGate(docker);
    await new Promise<void>((resolve) => gate.#server.listen(join(gate.#folder, "docker.sock"), resolve));
    return gate;
  }

  /** Before the next request that matches. Whoever sent it is cut off where `act` fails. */
  before(pattern: RegExp, act: Act): void {
    this.#acts.push({ pattern, act });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.#folder, { recursive: true });
  }

  #serve(client: Socket): void {
    // Either side closes its half by itself: so a program's input ends.
    client.allowHalfOpen = true;
    const engine = createConnection({ path: this.#docker.socket, allowHalfOpen: true });
    const cut = (): void => {
      for (const socket of [client, engine]) {
        socket.destroy();
        this.#sockets.delete(socket);
      }
    };
    for (const socket of [client, engine]) {
      this.#sockets.add(socket);
      socket.on("error", cut);
      socket.on("close", cut);
    }
    engine.on("data", (chunk: Buffer) => client.write(chunk));
    engine.on("end", () => client.end());
    let passed = Promise.resolve();
    const pass = (step: () => Promise<void>): void => {
      passed = passed.then(step).catch(cut);
    };
    client.on("data", (chunk: Buffer) =>
      pass(async () => {
        await this.#act(chunk);
        engine.write(chunk);
      }),
    );
    client.on("end", () => pass(async () => void engine.end()));
  }

  /** Each request is written at once, so that a chunk begins with it or has none. */
  async #act(chunk: Buffer): Promise<void> {
    const [line = ""] = chunk.toString("latin1").split("\r\n", 1);
    const [request, rest] = line.split(" HTTP/1.1", 2);
    const index = this.#acts.findIndex(({ pattern }) => rest === "" && pattern.test(request ?? ""));
    const [found] = index < 0 ? [] : this.#acts.splice(index, 1);
    await found?.act(request ?? "");
  }
}

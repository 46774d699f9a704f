import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a request is answered with: all at once, parts of a stream that stays open, or nothing ever. */
export type FakeAnswer =
  | { readonly status: number; readonly json?: unknown }
  | { readonly stream: (write: (text: string) => void, end: () => void) => void }
  | "silence";

/** An Engine's socket at which a test decides what is said. One request a connection at a time; bodies are not looked at. */
export class FakeEngine implements AsyncDisposable {
  readonly path: string;
  /** `GET /_ping`, as they came. */
  readonly requests: string[] = [];
  readonly #folder: string;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #answer: (request: string) => FakeAnswer;

  private constructor(answer: (request: string) => FakeAnswer) {
    this.#answer = answer;
    this.#folder = mkdtempSync(join(tmpdir(), "brigade-fake-engine-"));
    this.path = join(this.#folder, "docker.sock");
  }

  static async start(answer: (request: string) => FakeAnswer): Promise<FakeEngine> {
    const engine = new FakeEngine(answer);
    await new Promise<void>((resolve) => engine.#server.listen(engine.path, resolve));
    return engine;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.#folder, { recursive: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let received = "";
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      for (let end = received.indexOf("\r\n\r\n"); end >= 0; end = received.indexOf("\r\n\r\n")) {
        const [line = ""] = received.split("\r\n", 1);
        const bodyBytes = Number(
          /^Content-Length: (\d+)$/m.exec(received.slice(0, end).replaceAll("\r", ""))?.[1] ?? 0,
        );
        if (received.length < end + 4 + bodyBytes) break;
        received = received.slice(end + 4 + bodyBytes);
        this.#respond(line.replace(/ HTTP\/1\.1$/, ""), socket);
      }
    });
  }

  #respond(request: string, socket: Socket): void {
    this.requests.push(request);
    const answer = this.#answer(request);
    if (answer === "silence") return;
    if ("stream" in answer) {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const chunk = (text: string): unknown => socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
      answer.stream(
        (text) => void chunk(text),
        () => void socket.write("0\r\n\r\n"),
      );
      return;
    }
    const body = answer.json === undefined ? "OK" : JSON.stringify(answer.json);
    const type = answer.json === undefined ? "text/plain" : "application/json";
    const head = `HTTP/1.1 ${answer.status} X\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}`;
    socket.write(`${head}\r\n\r\n${body}`);
  }
}

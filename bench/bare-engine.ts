import { createConnection } from "node:net";

/** Bare calls of the Engine API, with as little around them as can be: what the programs of Brigade are held against. */
export class BareEngine {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async call(method: string, path: string, json?: string): Promise<string> {
    const headers = { "Content-Type": "application/json" };
    const init = { unix: this.#socket, method, ...(json === undefined ? {} : { headers, body: json }) };
    const response = await fetch(`http://docker${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text;
  }

  /** @returns the id */
  async create(path: string, config: unknown): Promise<string> {
    return (JSON.parse(await this.call("POST", path, JSON.stringify(config))) as { Id: string }).Id;
  }

  /**
   * Input and output over one connection that the Engine takes over.
   *
   * @returns once it has, with the bytes of the program's output, which is one frame
   */
  stream(path: string, input: Uint8Array, json = ""): Promise<{ readonly output: Promise<number> }> {
    const socket = createConnection({ path: this.#socket });
    const output = Promise.withResolvers<number>();
    const headers = `Host: docker\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n`;
    let head: Buffer | undefined = Buffer.alloc(0);
    let length = 0;
    return new Promise((resolve, reject) => {
      socket.on("data", (chunk: Buffer) => {
        length += chunk.byteLength;
        if (head === undefined) return;
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        length -= end + 4;
        head = undefined;
        socket.end(input);
        resolve({ output: output.promise });
      });
      // Without the header of the frame.
      socket.on("close", () => output.resolve(length - 8));
      socket.on("error", reject);
      socket.write(`POST ${path} HTTP/1.1\r\n${headers}\r\n${json}`);
    });
  }
}

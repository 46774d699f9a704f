import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { describeError } from "../../src/base/errors.ts";
import { connectEngine, describeAddress, readEngineAddress } from "../../src/programs/docker/engine-address.ts";
import { imageExists } from "../../src/programs/docker/engine-api.ts";
import { EngineClient } from "../../src/programs/docker/engine-client.ts";
import { parseImageName } from "../../src/programs/docker/image-name.ts";
import { readElf } from "./image/elf.ts";
import { type TarEntry, tar } from "./image/tar.ts";

/** Debian's busybox-static: a whole user land without libraries. */
const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"];
const APPLETS = ["sh", "sed", "echo", "cat"];
const ANSWER_MS = 3000;

export interface ExampleImage {
  readonly name: string;
  /** For people. */
  readonly engine: string;
  /** Removes the image, unless it was there before. */
  remove(): Promise<void>;
}

/**
 * Makes an image of busybox and one program at the local Docker Engine, as `docker import` does.
 *
 * @param program path of a script, which becomes the image's command
 * @returns or why there is none
 */
export async function makeExampleImage(name: string, program: string): Promise<ExampleImage | string> {
  let client: EngineClient | undefined;
  try {
    const address = readEngineAddress(process.env);
    client = new EngineClient(address, systemClock);
    const answers = client;
    const there = await withDeadline(imageExists(answers, name));
    const busybox = BUSYBOX.find((path) => existsSync(path) && readElf(path).interpreter === undefined);
    if (busybox === undefined) return "there is no static busybox (Debian: busybox-static)";
    await importImage(address, name, [...tar(entries(busybox, program), 0)]);
    return {
      name,
      engine: describeAddress(address),
      async remove() {
        const path = `/images/${encodeURIComponent(name)}?force=1`;
        if (!there) await answers.call({ action: "remove an image", method: "DELETE", path });
        answers.close();
      },
    };
  } catch (error) {
    client?.close();
    return describeError(error);
  }
}

function entries(busybox: string, program: string): readonly TarEntry[] {
  return [
    { type: "folder", path: "/bin" },
    { type: "file", path: "/bin/busybox", mode: 0o755, content: readFileSync(busybox) },
    ...APPLETS.map((applet): TarEntry => ({ type: "link", path: join("/bin", applet), target: "busybox" })),
    { type: "file", path: "/bin/program", mode: 0o755, content: readFileSync(program) },
  ];
}

/** On a connection of its own, since this request has a body that is no JSON. */
async function importImage(
  address: Parameters<typeof connectEngine>[0],
  name: string,
  parts: readonly Uint8Array[],
): Promise<void> {
  const { repository: repo, tag } = parseImageName(name);
  const query = new URLSearchParams({ fromSrc: "-", repo, tag: tag ?? "", changes: 'CMD ["program"]' });
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const head = [
    `POST /images/create?${query.toString()} HTTP/1.1`,
    "Host: docker",
    "Content-Type: application/x-tar",
    `Content-Length: ${length}`,
    "Connection: close",
  ];
  const socket = connectEngine(address);
  const answer = Promise.withResolvers<string>();
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.once("error", answer.reject);
  socket.once("close", () => answer.resolve(text));
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  for (const part of parts) socket.write(part);
  const said = await withDeadline(answer.promise, 60_000);
  if (!said.startsWith("HTTP/1.1 200 ") || said.includes('"error"')) throw new Error(`docker import failed: ${said}`);
}

async function withDeadline<T>(promise: Promise<T>, ms = ANSWER_MS): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const cancel = systemClock.schedule(ms, () =>
    deadline.reject(new Error(`no Docker Engine answers within ${ms / 1000} s`)),
  );
  try {
    return await Promise.race([promise, deadline.promise]);
  } finally {
    cancel();
  }
}

/**
 * Programs in `container` isolation against the bare calls of the Engine API (create, attach, start, wait, remove), at the
 * same concurrency and with the same limits:
 *
 *     bun bench/container.ts [--runs 16] [--concurrency 4] [--rounds 5]
 *
 * Rounds alternate, so that whatever else the machine does meets both alike. Starts a Docker Engine of its own, and says
 * why where that cannot be done.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { silentLogger } from "../src/base/log.ts";
import type { RunRequest } from "../src/engine/run-wire.ts";
import { containerConfig } from "../src/programs/docker/container-config.ts";
import { ContainerPrograms } from "../src/programs/docker/container-programs.ts";
import { StderrLog } from "../src/programs/stderr-log.ts";
import { BUSYBOX_IMAGE, DockerEngine } from "../test/support/docker.ts";
import { report, spread } from "./support.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "16" },
    concurrency: { type: "string", default: "4" },
    rounds: { type: "string", default: "5" },
  },
});
const runs = Number(values.runs);
const concurrency = Number(values.concurrency);

const started = await DockerEngine.start();
if (typeof started === "string") {
  console.log(`skipped: ${started}`);
  process.exit(0);
}
await using docker = started;

const value = new Uint8Array(1000).fill(120);
const request: RunRequest = {
  spec: {
    name: "bench",
    program: { type: "image", image: BUSYBOX_IMAGE, command: ["cat"], container: { pull: "if-missing" } },
    isolation: "container",
    warm: 0,
    maxUses: 1000,
    cpus: 1,
    memMb: 32,
    volumes: [],
    env: [],
    secrets: [],
    timeoutMs: 60_000,
    maxOutputBytes: 900_000,
    version: "1",
  },
  record: { topic: "in", partition: 0, offset: 0, timestampMs: 0, key: null, value, headers: [] },
  attempt: 1,
};
const owner = { deployment: "bench", agent: "bench", executor: "bench", owner: "bench" };
const body = JSON.stringify(containerConfig("bench", request, { ...owner, lockFile: "" }));

async function call(method: string, path: string, json?: string): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  const init = { unix: docker.socket, method, ...(json === undefined ? {} : { headers, body: json }) };
  const response = await fetch(`http://docker${path}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text;
}

/** Input and output over one attached connection. @returns once it is attached, with the bytes of output to come */
function attach(id: string): Promise<{ readonly output: Promise<number> }> {
  const socket = createConnection({ path: docker.socket });
  const output = Promise.withResolvers<number>();
  let length = -1;
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      if (length >= 0) length += chunk.byteLength;
      else {
        const head = chunk.indexOf("\r\n\r\n");
        length = chunk.byteLength - head - 4;
        socket.end(value);
        resolve({ output: output.promise });
      }
    });
    socket.on("close", () => output.resolve(length));
    socket.on("error", reject);
    socket.write(
      `POST /containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n`,
    );
  });
}

async function bare(): Promise<number> {
  const { Id: id } = JSON.parse(await call("POST", "/containers/create", body)) as { Id: string };
  const { output } = await attach(id);
  await call("POST", `/containers/${id}/start`);
  const length = await output;
  await call("POST", `/containers/${id}/wait`);
  await call("DELETE", `/containers/${id}?force=1&v=1`);
  // Without the header of the one frame.
  return length - 8;
}

const folder = mkdtempSync(join(tmpdir(), "brigade-bench-"));
const stderrLog = new StderrLog(join(folder, "programs.stderr"), silentLogger);
const env = { DOCKER_HOST: docker.host, DOCKER_CONFIG: folder };
const programs = new ContainerPrograms({ folder, owner, env, clock: systemClock, log: silentLogger, stderrLog });
let count = 0;

function brigade(): Promise<number> {
  return new Promise((resolve, reject) => {
    programs.start(`bench-${count++}`, request, (end) => {
      if (end.type === "ended") resolve(end.result.stdout.byteLength);
      else reject(new Error(end.message));
    });
  });
}

/** Until the last container is removed. @returns runs a second */
async function measure(run: () => Promise<number>): Promise<number> {
  let left = runs;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const length = await run();
      if (length !== value.byteLength) throw new Error(`${length} bytes came back, not ${value.byteLength}`);
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  while ((await docker.containers()).length > 0) await Bun.sleep(1);
  return (runs * 1000) / (performance.now() - startedMs);
}

try {
  await measure(bare);
  const rates: { readonly bare: number; readonly brigade: number }[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    rates.push({ bare: await measure(bare), brigade: await measure(brigade) });
  }
  report("bare Engine calls, runs/s", spread(rates.map((rate) => rate.bare)));
  report("container isolation, runs/s", spread(rates.map((rate) => rate.brigade)));
  report("container isolation / bare", spread(rates.map((rate) => rate.brigade / rate.bare)));
} finally {
  await programs.close();
  stderrLog.close();
  rmSync(folder, { recursive: true });
}

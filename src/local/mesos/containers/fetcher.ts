import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, createWriteStream, mkdirSync, renameSync, rmSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../../base/clock.ts";
import { describeError, InputError } from "../../../base/errors.ts";
import type { CommandUri } from "../../../mesos/types.ts";
import type { FetchCache } from "./fetch-cache.ts";
import type { UserIds } from "./users.ts";

/** How an archive is unpacked, by the end of its file's name; only that counts, as for Mesos. */
const UNPACKERS: readonly (readonly [ending: RegExp, argv: (file: string, folder: string) => readonly string[]])[] = [
  [/\.(tar|tgz|tar\.gz|tbz2|tar\.bz2|txz|tar\.xz)$/, (file, folder) => ["tar", "-C", folder, "-xf", file]],
  [/\.zip$/, (file, folder) => ["unzip", "-q", "-o", "-d", folder, file]],
  [/\.gz$/, (file) => ["gzip", "-dkf", file]],
];

/** A download that brings nothing for so long has failed. */
const STALL_MS = 60_000;

export interface FetchRequest {
  readonly uris: readonly CommandUri[];
  readonly sandbox: string;
  /** Name of the user that it is fetched for: caches are not shared. */
  readonly user: string;
  /** Who shall own what was fetched; undefined: the user of this process. */
  readonly owner: UserIds | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** One line a step, for the sandbox's `stderr`. */
  readonly say: (line: string) => void;
}

/**
 * Brings the files of a command into its sandbox, one after the other: downloaded or copied, and then made executable
 * or unpacked.
 *
 * @throws {Error} one of them could not be had; its reason was said
 */
export async function fetchAll(request: FetchRequest, cache: FetchCache): Promise<void> {
  const { uris, sandbox, owner, signal, say } = request;
  for (const uri of uris) {
    try {
      say(`Fetching URI '${uri.value}'`);
      await fetchOne(uri, request, cache);
      say(`Fetched '${uri.value}'`);
    } catch (error) {
      say(`Failed to fetch '${uri.value}': ${describeError(error)}`);
      throw error;
    }
  }
  if (owner !== undefined) await run(["chown", "-R", `${owner.uid}:${owner.gid}`, sandbox], signal);
}

async function fetchOne(
  uri: CommandUri,
  { sandbox, user, clock, signal }: FetchRequest,
  cache: FetchCache,
): Promise<void> {
  const { value, executable = false, extract = true } = uri;
  if (/['\\\0]/.test(value)) throw new InputError("URI contains illegal characters, refusing to fetch");
  const target = join(sandbox, targetName(uri));
  mkdirSync(dirname(target), { recursive: true });
  const unpacker = executable || !extract ? undefined : UNPACKERS.find(([ending]) => ending.test(baseName(value)));
  if (uri.cache === true) {
    // Others may wait for the same file: it is fetched to its end, whatever becomes of this container.
    const fill = (file: string): Promise<void> => download(value, file, clock);
    await cache.use(`${user} ${value}`, fill, async (file) => {
      if (unpacker === undefined) copyFileSync(file, target);
      else await unpack(unpacker[1], file, sandbox, target, signal);
    });
  } else {
    await download(value, target, clock, signal);
    if (unpacker !== undefined) await run(unpacker[1](target, sandbox), signal);
  }
  if (executable) chmodSync(target, 0o755);
}

/** An archive in the cache is unpacked from there; gzip alone writes beside its input, and so needs a copy. */
async function unpack(
  argv: (file: string, folder: string) => readonly string[],
  cached: string,
  sandbox: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const [program] = argv(cached, sandbox);
  if (program !== "gzip") return run(argv(cached, sandbox), signal);
  copyFileSync(cached, target);
  await run(argv(target, sandbox), signal);
  rmSync(target);
}

function targetName({ value, outputFile }: CommandUri): string {
  if (outputFile === undefined || outputFile === "") return baseName(value);
  if (isAbsolute(outputFile)) throw new InputError(`output_file '${outputFile}' is absolute, must be relative`);
  if (normalize(outputFile).startsWith("..")) throw new InputError(`output_file '${outputFile}' leaves the sandbox`);
  return outputFile;
}

/** What follows the last slash, a query included. */
function baseName(uri: string): string {
  const name = uri.slice(uri.lastIndexOf("/") + 1);
  if (name === "" || name === "." || name === "..") throw new InputError("URI has no file name");
  return name;
}

async function download(uri: string, target: string, clock: Clock, signal?: AbortSignal): Promise<void> {
  if (/^https?:\/\//i.test(uri)) return downloadHttp(uri, target, clock, signal);
  const path = /^file:\/\/(?:localhost)?(\/.*)$/i.exec(uri)?.[1] ?? uri;
  if (!isAbsolute(path)) throw new InputError("must begin with http://, https://, file:// or / to be fetched");
  // What holds it up, a pipe for one, holds nobody else up.
  await copyFile(path, target);
}

/** Redirects are followed; nothing but 200 counts. */
async function downloadHttp(uri: string, target: string, clock: Clock, given?: AbortSignal): Promise<void> {
  const stall = new AbortController();
  const signal = given === undefined ? stall.signal : AbortSignal.any([given, stall.signal]);
  const watch = (): (() => void) =>
    clock.schedule(STALL_MS, () => stall.abort(new InputError(`received nothing for ${STALL_MS / 1000} s`)));
  let cancel = watch();
  // A half of it never stands under the name of the whole.
  const part = `${target}.part`;
  try {
    const answer = await fetch(uri, { signal });
    if (answer.status !== 200 || answer.body === null) {
      throw new InputError(`received HTTP status ${answer.status}, must be 200`);
    }
    const body = Readable.fromWeb(answer.body);
    body.on("data", () => {
      cancel();
      cancel = watch();
    });
    await pipeline(body, createWriteStream(part), { signal });
    renameSync(part, target);
  } finally {
    cancel();
    rmSync(part, { force: true });
  }
}

function run([program = "", ...args]: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], signal });
    let stderr = "";
    child.stderr.on("data", (bytes: Buffer) => {
      stderr = `${stderr}${bytes.toString()}`.slice(-2000);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new InputError(`${program} exited with status ${code}: ${stderr.trim()}`));
    });
  });
}

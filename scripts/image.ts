/** Makes an OCI image of Brigade: the one binary and the few files that it needs, as an archive. */

import { closeSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { brigadeVersion } from "../src/base/version.ts";
import { readElf } from "./lib/image/elf.ts";
import { imageArchive } from "./lib/image/oci.ts";
import { baseEntries, programEntries, programPath } from "./lib/image/root.ts";

const usage = `Usage: scripts/image [--output FILE] [--name NAME:TAG] [--user UID[:GID]] [--binary FILE [--root DIR]]

Compiles Brigade and makes an image of it whose entrypoint is brigade, without Docker and without a registry. The same
binary and libraries give the same bytes. Load it with

    docker load --input dist/brigade-image.tar

or copy it to a registry with skopeo (docker-archive:FILE, or oci-archive:FILE).

  --output FILE      default dist/brigade-image.tar
  --name NAME:TAG    default brigade:${brigadeVersion}
  --user UID[:GID]   whom it runs as (default root, who alone may use Docker's socket on most hosts)
  --binary FILE      a Brigade that is compiled already, for example for another machine
  --root DIR         where its libraries are taken from (default /): for another machine a folder into which its
                     packages are unpacked (dpkg-deb --extract libc6_….deb DIR)

SOURCE_DATE_EPOCH (seconds since 1970) is the time of all files, 0 if it is not set.
`;

const { values } = parseArgs({
  options: {
    output: { type: "string" },
    name: { type: "string", default: `brigade:${brigadeVersion}` },
    user: { type: "string", default: "" },
    binary: { type: "string" },
    root: { type: "string", default: "/" },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

try {
  makeImage();
} catch (error) {
  console.error(`scripts/image: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

function makeImage(): void {
  const root = resolve(import.meta.dir, "..");
  const { name, user } = values;
  if (!/^[^:\s]\S*:[\w.-]+$/.test(name)) throw new Error(`--name is ${name}, must be NAME:TAG`);
  if (!/^(\d+(:\d+)?)?$/.test(user)) throw new Error(`--user is ${user}, must be UID or UID:GID`);
  const time = Number(process.env["SOURCE_DATE_EPOCH"] ?? 0);
  if (!Number.isSafeInteger(time) || time < 0) throw new Error("SOURCE_DATE_EPOCH must be a whole number of seconds");
  const program = values.binary === undefined ? compile(root) : resolve(values.binary);

  const config = {
    name,
    user,
    time,
    architecture: readElf(program).machine.architecture,
    entrypoint: [programPath],
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    labels: {
      "org.opencontainers.image.title": "Brigade",
      "org.opencontainers.image.description": manifest.description,
      "org.opencontainers.image.version": brigadeVersion,
      "org.opencontainers.image.licenses": manifest.license,
    },
  };
  // What changes with each version is a layer of its own.
  const layers = [baseEntries(program, resolve(values.root)), programEntries(program)];
  const output = resolve(values.output ?? join(root, "dist/brigade-image.tar"));
  const bytes = write(output, imageArchive(config, layers));
  process.stdout.write(`${output} (${name}, ${config.architecture}, ${(bytes / 1e6).toFixed(0)} MB)\n`);
}

function compile(root: string): string {
  const build = Bun.spawnSync([process.execPath, join(root, "scripts/build.ts")], {
    stdout: "ignore",
    stderr: "inherit",
  });
  if (!build.success) throw new Error("Brigade does not compile");
  return join(root, "dist/brigade");
}

/** As a whole or not at all. */
function write(path: string, parts: Iterable<Uint8Array>): number {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(`${path}.new`, "w");
  let bytes = 0;
  try {
    for (const part of parts) {
      for (let at = 0; at < part.byteLength; ) at += writeSync(file, part, at);
      bytes += part.byteLength;
    }
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  return bytes;
}

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readElf } from "../../../scripts/lib/image/elf.ts";
import { librariesOf } from "../../../scripts/lib/image/libraries.ts";
import { type ImageConfig, imageArchive } from "../../../scripts/lib/image/oci.ts";
import { type TarEntry, tar } from "../../../scripts/lib/image/tar.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "brigade-image-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** By the tar of this machine. */
function unpack(parts: Iterable<Uint8Array>, name: string): string {
  const target = join(folder, name);
  mkdirSync(target);
  const result = Bun.spawnSync(["tar", "-x", "-p", "-C", target], { stdin: Buffer.concat([...parts]) });
  expect(result.stderr.toString()).toBe("");
  return target;
}

describe("an archive", () => {
  const entries: readonly TarEntry[] = [
    { type: "folder", path: "/tmp", mode: 0o1777 },
    { type: "file", path: "/tmp/empty", content: new Uint8Array() },
    { type: "file", path: "/tmp/block", mode: 0o755, content: Buffer.alloc(512, "x") },
    { type: "file", path: "/tmp/odd", content: Buffer.from("odd") },
    { type: "link", path: "/tmp/link", target: "odd" },
  ];

  test("is what tar unpacks, with modes, links and the time", () => {
    const root = unpack(tar(entries, 86_400), "unpacked");
    expect(readFileSync(join(root, "tmp/empty"), "utf8")).toBe("");
    expect(readFileSync(join(root, "tmp/block"), "utf8")).toBe("x".repeat(512));
    expect(readFileSync(join(root, "tmp/link"), "utf8")).toBe("odd");
    expect(statSync(join(root, "tmp/block")).mode & 0o7777).toBe(0o755);
    expect(statSync(join(root, "tmp")).mode & 0o7777).toBe(0o1777);
    expect(statSync(join(root, "tmp/odd")).mtimeMs).toBe(86_400_000);
  });

  test("refuses a name that does not fit", () => {
    const long: TarEntry = { type: "folder", path: `/${"a".repeat(100)}` };
    expect(() => [...tar([long], 0)]).toThrow("its name is too long");
  });
});

describe("a program", () => {
  // The shell: as good as any program that is linked against libraries, and on every machine.
  const program = "/bin/sh";

  test("tells its loader and its libraries, all of which are found where ldd finds them", () => {
    const ldd = Bun.spawnSync(["ldd", program]).stdout.toString();
    const expected = [...ldd.matchAll(/(?:=> |^\s+)(\/\S+)/gm)].map(([, path]) => statSync(path ?? "").ino);
    const found = librariesOf(program, "/");
    const inodes = new Set(found.map(({ source }) => statSync(source).ino));
    expect(expected).not.toEqual([]);
    expect(expected.filter((inode) => !inodes.has(inode))).toEqual([]);
    expect(found.map(({ path }) => path)).toContain(readElf(program).interpreter!);
  });

  test("whose libraries are not there is named with what it lacks", () => {
    expect(() => librariesOf(program, folder)).toThrow(/^Cannot make an image of \/bin\/sh: it needs \/lib/);
  });

  test("of another kind is refused", () => {
    const script = join(folder, "script");
    writeFileSync(script, "#!/bin/sh\n".padEnd(100, "#"));
    chmodSync(script, 0o755);
    expect(() => readElf(script)).toThrow("must be a 64-bit little-endian program of Linux (ELF)");
  });
});

describe("an image", () => {
  const config: ImageConfig = {
    name: "registry.example:5000/brigade:1",
    architecture: "amd64",
    entrypoint: ["/bin/x"],
    env: ["A=B"],
    labels: { version: "1" },
    user: "1000",
    time: 0,
  };
  const layers: readonly (readonly TarEntry[])[] = [
    [{ type: "file", path: "/a", content: Buffer.from("a") }],
    [{ type: "file", path: "/b", content: Buffer.from("b") }],
  ];

  interface Descriptor {
    readonly digest: string;
    readonly size: number;
  }

  test("is an OCI layout whose every part is where its digest says", () => {
    const root = unpack(imageArchive(config, layers), "layout");
    const json = (path: string): unknown => JSON.parse(readFileSync(join(root, path), "utf8"));
    const blob = ({ digest, size }: Descriptor): string => {
      const path = join("blobs", digest.replace(":", "/"));
      const bytes = readFileSync(join(root, path));
      expect(bytes.byteLength).toBe(size);
      expect(`sha256:${createHash("sha256").update(bytes).digest("hex")}`).toBe(digest);
      return path;
    };
    expect(json("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
    const { manifests } = json("index.json") as { manifests: (Descriptor & { annotations: unknown })[] };
    expect(manifests.map(({ annotations }) => annotations)).toEqual([{ "org.opencontainers.image.ref.name": "1" }]);
    const manifest = json(blob(manifests[0]!)) as { config: Descriptor; layers: Descriptor[] };
    const described = json(blob(manifest.config)) as { config: unknown; rootfs: { diff_ids: string[] } };
    expect(described.config).toMatchObject({ Entrypoint: ["/bin/x"], User: "1000", Labels: { version: "1" } });
    expect(described.rootfs.diff_ids).toEqual(manifest.layers.map(({ digest }) => digest));
    expect(json("manifest.json")).toEqual([
      { Config: blob(manifest.config), RepoTags: [config.name], Layers: manifest.layers.map(blob) },
    ]);
  });

  test("has the same bytes when it is made again", () => {
    const [first, second] = [1, 2].map(() => Buffer.concat([...imageArchive(config, layers)]));
    expect(first!.equals(second!)).toBe(true);
  });
});

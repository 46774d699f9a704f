import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxTar } from "./docker.ts";

const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG_TYPE = "application/vnd.docker.container.image.v1+json";
const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip";

interface Image {
  readonly manifest: Uint8Array;
  readonly layer: string;
}

/** A registry of images on loopback, which every Engine takes without TLS. Enough of the protocol for a pull. */
export class Registry implements AsyncDisposable {
  /** `user:password` that pulls must show; null lets everybody in. */
  credentials: string | null = null;
  /** What was asked for, each time: `tag app:1` (which manifest it stands for), `manifest app:1`, `layer app:1`. */
  readonly fetched: string[] = [];
  readonly #server: Bun.Server<undefined>;
  readonly #images = new Map<string, Image>();
  readonly #blobs = new Map<string, { readonly bytes: Uint8Array; readonly of: string | undefined }>();
  readonly #layer: Uint8Array<ArrayBuffer>;
  #gate = Promise.resolve();

  private constructor(layer: Uint8Array<ArrayBuffer>) {
    this.#layer = layer;
    // A layer is held for as long as a test likes.
    const idleTimeout = 0;
    const fetch = (request: Request): Promise<Response> => this.#answer(request);
    this.#server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout, fetch });
  }

  static async start(): Promise<Registry> {
    const root = mkdtempSync(join(tmpdir(), "brigade-registry-"));
    const tar = await busyboxTar(join(root, "image"));
    rmSync(root, { recursive: true });
    return new Registry(new Uint8Array(tar));
  }

  /** What stands before the slash of its images' names. */
  get host(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  /** Offers busybox under a name without host, with this command; a later one takes its place. */
  offer(name: string, command: readonly string[]): void {
    // Another layer for each name and command: an Engine asks only for those that it does not have.
    const tar = Buffer.concat([tarFile("mark", `${this.host} ${name} ${command.join(" ")}`), this.#layer]);
    const layer = Bun.gzipSync(tar);
    const config = json({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Cmd: command, Env: ["PATH=/bin"] },
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    });
    const manifest = json({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, size: config.byteLength, digest: digestOf(config) },
      layers: [{ mediaType: LAYER_TYPE, size: layer.byteLength, digest: digestOf(layer) }],
    });
    this.#blobs.set(digestOf(config), { bytes: config, of: undefined });
    this.#blobs.set(digestOf(layer), { bytes: layer, of: name });
    this.#images.set(name, { manifest, layer: digestOf(layer) });
  }

  /** Layers are held back until the result is called. */
  holdLayers(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  count(what: string): number {
    return this.fetched.filter((one) => one === what).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const expected = this.credentials === null ? null : `Basic ${Buffer.from(this.credentials).toString("base64")}`;
    if (expected !== null && request.headers.get("authorization") !== expected) {
      const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
      return Response.json({ errors }, { status: 401, headers: { "WWW-Authenticate": 'Basic realm="test"' } });
    }
    if (pathname === "/v2/") return Response.json({});
    const [, repository = "", kind, reference = ""] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? [];
    return kind === "manifests" ? this.#manifest(request.method, repository, reference) : this.#blob(reference);
  }

  #manifest(method: string, repository: string, reference: string): Response {
    const found = [...this.#images].find(
      ([name, { manifest }]) => name === `${repository}:${reference}` || digestOf(manifest) === reference,
    );
    if (found === undefined) {
      const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }];
      return Response.json({ errors }, { status: 404 });
    }
    const [name, { manifest }] = found;
    this.fetched.push(`${method === "GET" ? "manifest" : "tag"} ${name}`);
    const headers = { "Content-Type": MANIFEST_TYPE, "Docker-Content-Digest": digestOf(manifest) };
    return new Response(method === "HEAD" ? null : Buffer.from(manifest), {
      headers: { ...headers, "Content-Length": String(manifest.byteLength) },
    });
  }

  async #blob(digest: string): Promise<Response> {
    const blob = this.#blobs.get(digest);
    if (blob === undefined) return new Response(null, { status: 404 });
    if (blob.of !== undefined) {
      this.fetched.push(`layer ${blob.of}`);
      await this.#gate;
    }
    return new Response(Buffer.from(blob.bytes));
  }
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

const BLOCK = 512;

/** One file as the beginning of a tar archive (ustar). */
function tarFile(name: string, content: string): Uint8Array {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0".repeat(2), 108);
  header.write(`${bytes.byteLength.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write(" ".repeat(8), 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK - (bytes.byteLength % BLOCK)) % BLOCK)]);
}

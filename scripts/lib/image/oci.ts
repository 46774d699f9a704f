import { createHash } from "node:crypto";
import { type TarEntry, tar } from "./tar.ts";

/** What an image says of itself beside its files. */
export interface ImageConfig {
  /** `name:tag`. */
  readonly name: string;
  readonly architecture: string;
  readonly entrypoint: readonly string[];
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** `user[:group]`; "" is root. */
  readonly user: string;
  /** Seconds since 1970. */
  readonly time: number;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly parts: readonly Uint8Array[];
}

const OCI = "application/vnd.oci.image";

/**
 * An image as one archive: an OCI layout, with the manifest beside it by which Docker Engines load it that know no OCI
 * layouts (before 25). Nothing in it depends on when or where it was made.
 *
 * @param layers lowest first
 * @see https://github.com/opencontainers/image-spec
 */
export function imageArchive(config: ImageConfig, layers: readonly (readonly TarEntry[])[]): Generator<Uint8Array> {
  const layerBlobs = layers.map((entries) => blob(`${OCI}.layer.v1.tar`, [...tar(entries, config.time)]));
  const configBlob = jsonBlob(`${OCI}.config.v1+json`, configOf(config, layerBlobs));
  const manifestBlob = jsonBlob(`${OCI}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: descriptor(configBlob),
    layers: layerBlobs.map(descriptor),
  });
  const tag = config.name.slice(config.name.lastIndexOf(":") + 1);
  const index = {
    schemaVersion: 2,
    mediaType: `${OCI}.index.v1+json`,
    manifests: [{ ...descriptor(manifestBlob), annotations: { "org.opencontainers.image.ref.name": tag } }],
  };
  const dockerManifest = [
    { Config: pathOf(configBlob), RepoTags: [config.name], Layers: layerBlobs.map((layer) => pathOf(layer)) },
  ];
  const blobs = [...layerBlobs, configBlob, manifestBlob].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return tar(
    [
      { type: "folder", path: "blobs" },
      { type: "folder", path: "blobs/sha256" },
      ...blobs.map((one): TarEntry => ({ type: "file", path: pathOf(one), content: Buffer.concat(one.parts) })),
      jsonFile("index.json", index),
      jsonFile("manifest.json", dockerManifest),
      jsonFile("oci-layout", { imageLayoutVersion: "1.0.0" }),
    ],
    config.time,
  );
}

function configOf(config: ImageConfig, layers: readonly Blob[]): unknown {
  const { architecture, entrypoint, env, labels, user, time } = config;
  const created = new Date(time * 1000).toISOString();
  return {
    created,
    architecture,
    os: "linux",
    config: { User: user, Env: env, Entrypoint: entrypoint, WorkingDir: "/", Labels: labels },
    // The layers are not compressed, so that their digests are those of their content.
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created, created_by: "scripts/image" })),
  };
}

function jsonBlob(mediaType: string, value: unknown): Blob {
  return blob(mediaType, [Buffer.from(JSON.stringify(value))]);
}

function jsonFile(path: string, value: unknown): TarEntry {
  return { type: "file", path, content: Buffer.from(JSON.stringify(value)) };
}

function blob(mediaType: string, parts: readonly Uint8Array[]): Blob {
  const hash = createHash("sha256");
  let size = 0;
  for (const part of parts) {
    hash.update(part);
    size += part.byteLength;
  }
  return { mediaType, digest: `sha256:${hash.digest("hex")}`, size, parts };
}

function descriptor({ mediaType, digest, size }: Blob): Omit<Blob, "parts"> {
  return { mediaType, digest, size };
}

function pathOf({ digest }: Blob): string {
  return `blobs/${digest.replace(":", "/")}`;
}

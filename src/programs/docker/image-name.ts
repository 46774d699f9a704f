/** The parts of an image's name: `registry:5000/team/app:1.2`, `busybox`, `app@sha256:…`. */
export interface ImageName {
  /** Host of the registry; `docker.io` where the name has none. */
  readonly registry: string;
  /** All but the tag. A digest stays: the Engine takes it as part of the name. */
  readonly repository: string;
  /** Without one a pull would fetch every tag. null with a digest. */
  readonly tag: string | null;
}

export function parseImageName(image: string): ImageName {
  const slash = image.indexOf("/");
  const first = slash < 0 ? "" : image.slice(0, slash);
  const isHost = first.includes(".") || first.includes(":") || first === "localhost";
  // Docker Hub has two names.
  const registry = isHost && first !== "index.docker.io" ? first : "docker.io";
  if (image.includes("@")) return { registry, repository: image, tag: null };
  const colon = image.indexOf(":", image.lastIndexOf("/") + 1);
  return colon < 0
    ? { registry, repository: image, tag: "latest" }
    : { registry, repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}

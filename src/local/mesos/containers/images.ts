import type { ContainerInfo } from "../../../mesos/types.ts";

/** Why a container's image cannot be had. Only those of Docker's own containers can: as at an agent without image providers. */
export function imageProblem(container: ContainerInfo | undefined): string | undefined {
  const image = container?.mesos?.image;
  return image === undefined ? undefined : `Unsupported container image type: ${image.type}`;
}

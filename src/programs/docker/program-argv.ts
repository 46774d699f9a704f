import { notStartable } from "../start-failure.ts";
import type { ContainerConfig } from "./container-config.ts";
import type { ImageProgram } from "./engine-api.ts";
import { NeverRanError } from "./never-ran.ts";

/** The program of a container, as the Engine puts it together: the image's own where the configuration names none. @throws {NeverRanError} */
export function argvOf(config: ContainerConfig, image: ImageProgram): readonly string[] {
  // An entrypoint of one empty text is none: container-options.ts.
  const entrypoint = (config.Entrypoint ?? image.entrypoint).filter((text, index) => index > 0 || text !== "");
  const command = config.Cmd ?? (config.Entrypoint === undefined ? image.command : []);
  const argv = [...entrypoint, ...command];
  if (argv.length > 0) return argv;
  const message = `Cannot run image "${config.Image}": it names no program, and the processor has no command`;
  throw new NeverRanError(notStartable("program-not-found", message));
}

import type { CliIo } from "./command.ts";

const NAMES = ["DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG"];

/** Where everything that this user starts finds Docker: `brigade local` hands it down to its executors. */
export function dockerVariables(env: CliIo["env"]): readonly (readonly [name: string, value: string])[] {
  return NAMES.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
}

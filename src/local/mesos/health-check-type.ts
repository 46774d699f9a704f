import type { HealthCheck } from "../../mesos/types.ts";

/** The type that a health check of older times leaves out. */
export function healthCheckType({ type, command, http }: HealthCheck): string | undefined {
  if (type !== undefined || (command === undefined) === (http === undefined)) return type;
  return command === undefined ? "HTTP" : "COMMAND";
}

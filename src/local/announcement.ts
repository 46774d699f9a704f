import type { HostPort } from "../config/settings.ts";

/*
 * What an engine's process says on its standard output, once, when it serves:
 *
 *     {"serving":{"host":"127.0.0.1","port":9092}}
 *
 * Its log goes to standard error. It ends when its standard input does, because then its parent has died.
 */

export function formatAnnouncement(serving: HostPort): string {
  return `${JSON.stringify({ serving })}\n`;
}

/** Undefined where the line is none. */
export function parseAnnouncement(line: string): HostPort | undefined {
  if (!line.startsWith('{"serving":')) return undefined;
  const { host, port } = (JSON.parse(line) as { serving: HostPort }).serving;
  return { host, port };
}

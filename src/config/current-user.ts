import { readFileSync } from "node:fs";
import { errorCode } from "../base/errors.ts";

/**
 * The name of the user that runs this process; undefined where the host knows none.
 *
 * Bun's `os.userInfo().username` is no more than the variable USER, and "unknown" without it, as under Mesos, systemd
 * and Docker.
 */
export function currentUser(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const uid = process.getuid?.();
  if (uid === 0) return "root";
  for (const line of passwd().split("\n")) {
    const [name, , id] = line.split(":");
    if (name !== undefined && id === String(uid)) return name;
  }
  // A user of a directory service is in no file; a login sets these.
  return env["LOGNAME"] ?? env["USER"];
}

function passwd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return "";
  }
}

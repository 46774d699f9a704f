import { brigadeVersion } from "../../../base/version.ts";
import { double, type View } from "./old-json.ts";

/** What this Mesos says it is: the version whose behaviour it follows. */
export const mesosVersion = "1.12.0";

/** Whoever built it; when is not known. */
const build = { date: "1970-01-01 00:00:00 UTC", time: 0, user: `brigade ${brigadeVersion}` } as const;

/** `mesos.v1.VersionInfo`. */
export const versionMessage: View = {
  version: mesosVersion,
  buildDate: build.date,
  buildTime: build.time,
  buildUser: build.user,
};

/** `GET /version`. */
export const versionView: View = {
  build_date: build.date,
  build_time: double(build.time),
  build_user: build.user,
  version: mesosVersion,
};

/** What a master of that version is capable of. */
export const masterCapabilities = ["AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"] as const;

export const agentCapabilities = [
  "MULTI_ROLE",
  "HIERARCHICAL_ROLE",
  "RESERVATION_REFINEMENT",
  "RESOURCE_PROVIDER",
  "RESIZE_VOLUME",
  "AGENT_OPERATION_FEEDBACK",
  "AGENT_DRAINING",
  "TASK_RESOURCE_LIMITS",
] as const;

import { brigadeVersion } from "../base/version.ts";
import { frameworkName } from "../config/names.ts";
import type { FrameworkCapability, FrameworkId, FrameworkInfo } from "../mesos/types.ts";

/** Labels by which a deployment's frameworks are found again when the stored id is lost. */
export const deploymentLabel = "brigade-deployment";
export const processorLabel = "brigade-processor";

const capabilities: readonly FrameworkCapability[] = [
  "MULTI_ROLE",
  "PARTITION_AWARE",
  "TASK_KILLING_STATE",
  "RESERVATION_REFINEMENT",
];

export interface FrameworkOptions {
  readonly processor: string;
  readonly deployment: string;
  readonly role: string;
  /** The user that executors run as. Mesos never changes it for a known framework. */
  readonly user: string;
  readonly principal: string | null;
  /** How long the master keeps tasks and id when we are away. */
  readonly failoverTimeoutMs: number;
  readonly webuiUrl?: string;
}

export function frameworkInfo(options: FrameworkOptions, id: FrameworkId | undefined): FrameworkInfo {
  return {
    user: options.user,
    name: frameworkName(options.processor, brigadeVersion),
    ...(id === undefined ? {} : { id }),
    failoverTimeout: options.failoverTimeoutMs / 1000,
    checkpoint: true,
    roles: [options.role],
    ...(options.principal === null ? {} : { principal: options.principal }),
    ...(options.webuiUrl === undefined ? {} : { webuiUrl: options.webuiUrl }),
    capabilities: capabilities.map((type) => ({ type })),
    labels: {
      labels: [
        { key: deploymentLabel, value: options.deployment },
        { key: processorLabel, value: options.processor },
      ],
    },
  };
}

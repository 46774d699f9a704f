import { existsSync } from "node:fs";

/*
 * An executor that runs in a container sees the files of its host elsewhere than the host does. What it tells others (in
 * labels of the containers that it starts, which are siblings of its own) are the host's paths.
 */

/** The one way and the other between the paths of this process and those of the host. */
export interface HostPaths {
  /** @returns the path itself where it is not known to be the host's under another name */
  toHost(path: string): string;
  /** @returns undefined where this process cannot see it */
  fromHost(hostPath: string): string | undefined;
}

/** Of a process that runs on the host itself. */
export const onHost: HostPaths = { toHost: (path) => path, fromHost: (path) => path };

/** What a Mesos agent tells an executor. */
export interface SandboxPlaces {
  readonly sandbox: string | undefined;
  /** The same by its path on the host. */
  readonly hostSandbox: string | undefined;
  /** Where the folder with all sandboxes of the agent is mounted. */
  readonly agentFolder: string | undefined;
}

/**
 * Of an executor: on the host where both paths of its sandbox agree, else in a container.
 *
 * @param exists whether there is something at a path. What is mounted as the agent's folder is believed to be that only if
 *   the executor finds its own sandbox there: in another one it would take every other executor for dead
 */
export function hostPathsOf(
  { sandbox, hostSandbox, agentFolder }: SandboxPlaces,
  exists: (path: string) => boolean = existsSync,
): HostPaths {
  if (sandbox === undefined || hostSandbox === undefined || sandbox === hostSandbox) return onHost;
  const folders = [{ host: hostSandbox, here: sandbox }];
  const hostAgentFolder = agentFolderOf(hostSandbox);
  if (hostAgentFolder !== undefined && agentFolder !== undefined) {
    const folder = { host: hostAgentFolder, here: agentFolder };
    if (exists(moved(hostSandbox, [folder], "host", "here") ?? "")) folders.push(folder);
  }
  return {
    toHost: (path) => moved(path, folders, "here", "host") ?? path,
    fromHost: (path) => moved(path, folders, "host", "here"),
  };
}

/** A folder of the host, and where this process sees it. */
interface SeenFolder {
  readonly host: string;
  readonly here: string;
}

function moved(
  path: string,
  folders: readonly SeenFolder[],
  from: keyof SeenFolder,
  to: keyof SeenFolder,
): string | undefined {
  const folder = folders.find((one) => path === one[from] || path.startsWith(`${one[from]}/`));
  return folder === undefined ? undefined : folder[to] + path.slice(folder[from].length);
}

/** `<work_dir>/slaves/<agent>` of a sandbox; undefined where that has another form. */
function agentFolderOf(sandbox: string): string | undefined {
  return /^(.*\/slaves\/[^/]+)\/frameworks\/[^/]+\/executors\/[^/]+\/runs\/[^/]+$/.exec(sandbox)?.[1];
}

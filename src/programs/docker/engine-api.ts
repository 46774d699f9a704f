import type { ContainerConfig } from "./container-config.ts";
import type { ContainerState } from "./container-exit.ts";
import { field, number, text, texts, unexpected } from "./engine-answers.ts";
import type { EngineClient, EngineStream } from "./engine-client.ts";
import { EngineRefusedError } from "./errors.ts";

/*
 * The calls of the Engine API that Brigade makes, one function each.
 * https://docs.docker.com/reference/api/engine/, from version 1.24 (Docker 1.12) on.
 */

export interface ListedContainer {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** @returns the id */
export async function createContainer(client: EngineClient, config: ContainerConfig): Promise<string> {
  const action = "create a container";
  const answer = await client.call({ action, method: "POST", path: "/containers/create", json: config });
  return text(field(answer, "Id", action), action);
}

export async function startContainer(client: EngineClient, id: string): Promise<void> {
  await client.call({ action: "start a container", method: "POST", path: `/containers/${id}/start` });
}

/** Has to be there before the container starts: without a log nothing is repeated. */
export function attachOutput(
  client: EngineClient,
  id: string,
  onData: (chunk: Uint8Array) => void,
): Promise<EngineStream> {
  const path = `/containers/${id}/attach?stream=1&stdout=1&stderr=1`;
  return client.stream({ action: "read a container's output", method: "POST", path }, { onData });
}

/**
 * A connection of its own: a program that leaves its input unread makes the Engine close it with bytes unread, which may
 * cost what is under way in the other direction.
 */
export function attachInput(client: EngineClient, id: string): Promise<EngineStream> {
  const path = `/containers/${id}/attach?stream=1&stdin=1`;
  return client.stream({ action: "write a container's input", method: "POST", path }, { onData: () => undefined });
}

/** Input and output over one connection, for as long as the container lives. Without standard error. */
export function attachBoth(
  client: EngineClient,
  id: string,
  onData: (chunk: Uint8Array) => void,
): Promise<EngineStream> {
  const path = `/containers/${id}/attach?stream=1&stdin=1&stdout=1`;
  return client.stream({ action: "attach to a container", method: "POST", path }, { onData });
}

/** Resolves when it does not run (any more), however long that takes. @returns the exit code */
export async function waitForContainer(client: EngineClient, id: string): Promise<number> {
  const action = "wait for a container";
  const path = `/containers/${id}/wait`;
  return number(field(await client.call({ action, method: "POST", path }, { deadlineMs: null }), "StatusCode", action));
}

export async function inspectContainer(client: EngineClient, id: string): Promise<ContainerState> {
  const action = "inspect a container";
  const container = await client.call({ action, method: "GET", path: `/containers/${id}/json` });
  const state = field(container, "State", action);
  return {
    exitCode: number(field(state, "ExitCode", action)),
    outOfMemory: field(state, "OOMKilled", action) === true,
    finishedAtMs: Date.parse(text(field(state, "FinishedAt", action), action)),
    // "dead": it could not be removed, or not yet.
    isBeingRemoved: ["removing", "dead"].includes(text(field(state, "Status", action), action)),
    program: text(field(container, "Path", action), action),
  };
}

/** One that has ended, or is gone, is as good as signalled. */
export async function signalContainer(client: EngineClient, id: string, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const path = `/containers/${id}/kill?signal=${signal}`;
  await client.call({ action: "signal a container", method: "POST", path }).catch(unlessStatus(404, 409));
}

/** With its anonymous volumes, whether it runs or not. One that is gone already, or going, is as good as removed. */
export async function removeContainer(client: EngineClient, id: string): Promise<void> {
  const path = `/containers/${id}?force=1&v=1`;
  await client.call({ action: "remove a container", method: "DELETE", path }).catch(unlessStatus(404, 409));
}

/** Containers in any state that have all of these labels. */
export async function listContainers(
  client: EngineClient,
  labels: Readonly<Record<string, string>>,
): Promise<readonly ListedContainer[]> {
  const action = "list containers";
  const filters = { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
  const path = `/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify(filters))}`;
  const answer = await client.call({ action, method: "GET", path });
  if (!Array.isArray(answer)) throw unexpected(action);
  return answer.map((entry: unknown) => ({
    id: text(field(entry, "Id", action), action),
    labels: (field(entry, "Labels", action) ?? {}) as Record<string, string>,
  }));
}

export async function imageExists(client: EngineClient, image: string): Promise<boolean> {
  return (await imageProgram(client, image)) !== undefined;
}

/** What an image says that it runs. */
export interface ImageProgram {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** @returns undefined where it is not there */
export async function imageProgram(client: EngineClient, image: string): Promise<ImageProgram | undefined> {
  const action = "inspect an image";
  try {
    const answer = await client.call({ action, method: "GET", path: `/images/${encodeURI(image)}/json` });
    const config = field(answer, "Config", action);
    return { entrypoint: texts(field(config, "Entrypoint", action)), command: texts(field(config, "Cmd", action)) };
  } catch (error) {
    if (error instanceof EngineRefusedError && error.status === 404) return undefined;
    throw error;
  }
}

export interface PingOptions {
  /** Whether over a new connection: an Engine that is about to stop takes none, while the old ones still work. */
  readonly connect: boolean;
  /** null: the caller sees to it that the wait has an end. */
  readonly deadlineMs: number | null;
}

/** @throws {EngineLostError} the Engine does not answer */
export async function pingEngine(client: EngineClient, options: PingOptions): Promise<void> {
  await client.call({ action: "reach the Engine", method: "GET", path: "/_ping" }, options);
}

function unlessStatus(...statuses: readonly number[]): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof EngineRefusedError && statuses.includes(error.status))) throw error;
  };
}

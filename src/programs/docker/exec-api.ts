import { field, number, text } from "./engine-answers.ts";
import type { EngineClient, EngineStream } from "./engine-client.ts";

/* The calls of the Engine API that start a program in a container that runs. */

/** The body of `POST /containers/{id}/exec`. */
export interface ExecConfig {
  readonly Cmd: readonly string[];
  /** Beside the environment of the container. */
  readonly Env: readonly string[];
  readonly AttachStdin: boolean;
  readonly AttachStdout: true;
  readonly AttachStderr: true;
}

export interface ExecState {
  readonly running: boolean;
  readonly exitCode: number;
  /** Its process, as the Engine's host numbers it. 0: none was ever started. */
  readonly pid: number;
}

/** @returns the id */
export async function createExec(client: EngineClient, containerId: string, config: ExecConfig): Promise<string> {
  const action = "prepare a program in a container";
  const path = `/containers/${containerId}/exec`;
  return text(field(await client.call({ action, method: "POST", path, json: config }), "Id", action), action);
}

/** Input and output over one connection: the Engine has no other way to them. */
export function startExec(
  client: EngineClient,
  execId: string,
  onData: (chunk: Uint8Array) => void,
): Promise<EngineStream> {
  const json = { Detach: false, Tty: false };
  const path = `/exec/${execId}/start`;
  return client.stream({ action: "start a program in a container", method: "POST", path, json }, { onData });
}

export async function inspectExec(client: EngineClient, execId: string): Promise<ExecState> {
  const action = "inspect a program in a container";
  const state = await client.call({ action, method: "GET", path: `/exec/${execId}/json` });
  return {
    running: field(state, "Running", action) === true,
    exitCode: number(field(state, "ExitCode", action)),
    pid: number(field(state, "Pid", action)),
  };
}

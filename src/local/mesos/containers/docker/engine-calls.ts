import { concatBytes, showUtf8 } from "../../../../base/bytes.ts";
import type { EngineClient } from "../../../../programs/docker/engine-client.ts";
import { EngineLostError, EngineRefusedError } from "../../../../programs/docker/errors.ts";
import type { ContainerBody, Memory } from "./container-body.ts";

/*
 * The calls of the Engine API that an agent makes, beside those of Brigade's executors (src/programs/docker).
 */

/** @returns the id */
export async function createNamed(client: EngineClient, name: string, body: ContainerBody): Promise<string> {
  const action = "create a container";
  const path = `/containers/create?name=${encodeURIComponent(name)}`;
  const answer = await client.call({ action, method: "POST", path, json: body });
  return String((answer as { readonly Id?: unknown } | null)?.Id);
}

/** How a container ends that is about to start; to be asked before it does, since it is gone with its end. */
export async function exitOf(client: EngineClient, id: string): Promise<{ readonly code: Promise<number> }> {
  const action = "wait for a container";
  const parts: Uint8Array[] = [];
  const path = `/containers/${id}/wait?condition=next-exit`;
  const stream = await client.stream({ action, method: "POST", path }, { onData: (part) => void parts.push(part) });
  const code = stream.end.then((end) => {
    if (end !== "ended") throw end;
    return statusCode(showUtf8(concatBytes(parts)), action);
  });
  // Whoever starts the container looks at it, unless the start fails.
  code.catch(() => undefined);
  return { code };
}

export interface ContainerNow {
  readonly running: boolean;
  readonly exitCode: number;
  /** Of its first process, on the host; 0 where it does not run. */
  readonly pid: number;
  /** Its IP address in the first network that gives it one. */
  readonly address: string | undefined;
  /** All that the Engine says, as JSON. */
  readonly text: string;
}

/** @returns undefined where there is no such container */
export async function lookAt(client: EngineClient, id: string): Promise<ContainerNow | undefined> {
  try {
    const answer = await client.call({ action: "inspect a container", method: "GET", path: `/containers/${id}/json` });
    const { State = {}, NetworkSettings } = answer as {
      readonly State?: Readonly<Record<string, unknown>>;
      readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string }>> };
    };
    const addresses = Object.values(NetworkSettings?.Networks ?? {}).map(({ IPAddress }) => IPAddress);
    return {
      running: State["Running"] === true,
      exitCode: Number(State["ExitCode"] ?? -1),
      pid: Number(State["Pid"] ?? 0),
      address: addresses.find((each) => each !== undefined && each !== ""),
      text: JSON.stringify(answer),
    };
  } catch (error) {
    if (error instanceof EngineRefusedError && error.status === 404) return undefined;
    throw error;
  }
}

export async function resize(
  client: EngineClient,
  id: string,
  limits: {
    readonly CpuShares: number;
    readonly MemoryReservation: number;
    readonly CpuQuota?: number;
  } & Partial<Memory>,
): Promise<void> {
  const path = `/containers/${id}/update`;
  await client.call({ action: "resize a container", method: "POST", path, json: limits });
}

function statusCode(answer: string, action: string): number {
  try {
    const { StatusCode } = JSON.parse(answer) as { readonly StatusCode?: unknown };
    if (typeof StatusCode === "number") return StatusCode;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new EngineLostError(`Cannot ${action}: the Docker Engine broke off`);
}

import { errorCode, InputError } from "../../base/errors.ts";
import { STANDARD_PATH } from "../program-environment.ts";
import type { Environment } from "./engine-address.ts";

/** As the Engine takes them. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  readonly identitytoken?: string;
  readonly serveraddress: string;
}

/** Helpers that ask a cloud for a token take seconds. */
const HELPER_MS = 60_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** What every helper says, with exit code 1, of a registry that it does not know. */
const NOT_FOUND = /credentials not found/i;
/** In the place of a user's name: the secret is an identity token. */
const TOKEN_USER = "<token>";

export interface HelperOptions {
  /** The executor's own: helpers of clouds read their settings from it. */
  readonly env: Environment;
  readonly timeoutMs?: number;
}

/**
 * Asks `docker-credential-<helper>` as Docker does: the registry on its standard input, JSON from its standard output.
 *
 * @returns undefined where it knows nothing of the registry
 * @throws {InputError} it is not there, fails, or answers something else. What it printed is not repeated
 * @see github.com/docker/docker-credential-helpers
 */
export async function askCredentialHelper(
  helper: string,
  server: string,
  { env, timeoutMs = HELPER_MS }: HelperOptions,
): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${helper}`;
  const wrong = (why: string): InputError =>
    new InputError(`Cannot ask ${program} for the credentials of ${server}: ${why}`);
  // A name, never a path: programs are those of PATH.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(helper)) throw wrong("this is no name of a helper");
  const child = start(program, server, env, timeoutMs, wrong);
  const [output, exitCode] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (child.signalCode !== null) throw wrong(`it was ended by ${child.signalCode} (it has ${timeoutMs / 1000} s)`);
  if (exitCode !== 0) {
    if (NOT_FOUND.test(output)) return undefined;
    throw wrong(`it ended with exit code ${exitCode}`);
  }
  const answer = parseHelperAnswer(output);
  if (answer === undefined) throw wrong("its answer is not the JSON of a credential helper");
  const { Username: username, Secret: secret } = answer;
  return username === TOKEN_USER
    ? { username: "", password: "", identitytoken: secret, serveraddress: server }
    : { username, password: secret, serveraddress: server };
}

function start(
  program: string,
  server: string,
  env: Environment,
  timeoutMs: number,
  wrong: (why: string) => InputError,
): Bun.Subprocess<Uint8Array, "pipe", "ignore"> {
  try {
    return Bun.spawn([program, "get"], {
      env: { ...env, PATH: env["PATH"] ?? STANDARD_PATH },
      stdin: Buffer.from(`${server}\n`),
      stdout: "pipe",
      stderr: "ignore",
      timeout: timeoutMs,
      maxBuffer: MAX_ANSWER_BYTES,
    });
  } catch (error) {
    throw wrong(errorCode(error) === "ENOENT" ? "it is not in PATH" : "it cannot be started");
  }
}

/** undefined: it is not the JSON of a credential helper. */
export function parseHelperAnswer(output: string): { readonly Username: string; readonly Secret: string } | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof answer !== "object" || answer === null) return undefined;
  const { Username, Secret } = answer as { Username?: unknown; Secret?: unknown };
  return typeof Username === "string" && typeof Secret === "string" ? { Username, Secret } : undefined;
}

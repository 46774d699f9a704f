import type { CliIo } from "../../../src/cli/command.ts";

export interface FakeIo extends CliIo {
  readonly out: string;
  readonly err: string;
  /** What the first Ctrl-C does. */
  interrupt(): void;
}

export function fakeIo(more: Partial<Pick<CliIo, "env" | "cwd">> = {}): FakeIo {
  const interrupted = new AbortController();
  let out = "";
  let err = "";
  return {
    stdout(text) {
      out += text;
    },
    stderr(text) {
      err += text;
    },
    env: {},
    cwd: "/nowhere",
    isTerminal: false,
    signal: interrupted.signal,
    ...more,
    get out() {
      return out;
    },
    get err() {
      return err;
    },
    interrupt: () => interrupted.abort(),
  };
}

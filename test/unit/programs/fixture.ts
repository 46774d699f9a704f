import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { errorCode } from "../../../src/base/errors.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { InputRecord, RunResult } from "../../../src/engine/ports.ts";
import type { RunRequest, RunSpec } from "../../../src/engine/run-wire.ts";
import { ProcessPrograms } from "../../../src/programs/process-program.ts";
import type { ProgramEnd, ProgramHandle } from "../../../src/programs/programs.ts";
import { StderrLog } from "../../../src/programs/stderr-log.ts";
import { runRequest } from "../../support/run-request.ts";

export function requestOf(
  command: string | readonly string[],
  { spec, record }: { spec?: Partial<RunSpec>; record?: Partial<InputRecord> } = {},
): RunRequest {
  return runRequest({ program: { type: "command", command }, ...spec }, record);
}

/** Programs in a folder of their own, which goes with them. */
export class ProgramsFixture {
  readonly folder = mkdtempSync(join(tmpdir(), "brigade-programs-"));
  readonly #stderrLog = new StderrLog(join(this.folder, "programs.stderr"), silentLogger);
  readonly programs: ProcessPrograms;

  constructor({ lingerMs = 300 }: { readonly lingerMs?: number } = {}) {
    const { folder } = this;
    const stderrLog = this.#stderrLog;
    this.programs = new ProcessPrograms({ folder, clock: systemClock, stderrLog, timeoutGraceMs: 50, lingerMs });
  }

  start(request: RunRequest): { readonly handle: ProgramHandle; readonly end: Promise<ProgramEnd> } {
    const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
    return { handle: this.programs.start("run", request, resolve), end: promise };
  }

  /** Fails where the run was lost. */
  async run(request: RunRequest): Promise<RunResult> {
    const end = await this.start(request).end;
    if (end.type === "lost") throw new Error(end.message);
    return end.result;
  }

  [Symbol.dispose](): void {
    this.programs.killAll();
    this.#stderrLog.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ESRCH") return false;
    throw error;
  }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(5);
}

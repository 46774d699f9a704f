import { describe, expect, test } from "bun:test";
import { noBytes } from "../../../src/base/bytes.ts";
import type { RunRequest } from "../../../src/engine/run-wire.ts";
import { type ClosablePrograms, IsolatedPrograms } from "../../../src/programs/isolated-programs.ts";
import type { ProgramEnd, ProgramHandle } from "../../../src/programs/programs.ts";
import { requestOf } from "./fixture.ts";

/** Notes what it is asked for. A run ends when it is killed. */
class NotingPrograms implements ClosablePrograms {
  readonly notes: string[] = [];

  start(runKey: string, { spec }: RunRequest, onEnd: (end: ProgramEnd) => void): ProgramHandle {
    this.notes.push(`start ${runKey}`);
    return {
      kill: (graceMs) => {
        this.notes.push(`kill ${runKey} ${graceMs}`);
        const outcome = { type: "killed" } as const;
        const result = { outcome, stdout: noBytes, stderrTail: noBytes, durationMs: 0, specVersion: spec.version };
        onEnd({ type: "ended", result });
      },
    };
  }

  killAll(): void {
    this.notes.push("kill all");
  }

  async close(): Promise<void> {
    this.notes.push("close");
  }
}

const inProcess = requestOf("cat");
const inContainer = requestOf("cat", { spec: { isolation: "container" } });

describe("programs by isolation", () => {
  test("processes start at once, and Docker is not opened for them", () => {
    const processes = new NotingPrograms();
    const programs = new IsolatedPrograms({
      process: processes,
      openContainers: () => Promise.reject(new Error("nobody wants it")),
    });
    programs.start("a", inProcess, () => undefined);
    expect(processes.notes).toEqual(["start a"]);
  });

  test("Docker is opened once, for the first container", async () => {
    const containers = new NotingPrograms();
    let opened = 0;
    const openContainers = async (): Promise<ClosablePrograms> => {
      opened++;
      return containers;
    };
    await using programs = closing(new IsolatedPrograms({ process: new NotingPrograms(), openContainers }));
    programs.start("a", inContainer, () => undefined);
    programs.start("b", inContainer, () => undefined).kill(5);
    const ended = Promise.withResolvers<ProgramEnd>();
    programs.start("c", inContainer, ended.resolve).kill(0);
    expect(await ended.promise).toMatchObject({ result: { outcome: { type: "killed" } } });
    expect(opened).toBe(1);
    // Those that were killed meanwhile never start.
    expect(containers.notes).toEqual(["start a"]);
  });

  test("where Docker cannot be opened the run is lost, and the next one tries again", async () => {
    const containers = new NotingPrograms();
    let tries = 0;
    const openContainers = async (): Promise<ClosablePrograms> => {
      if (tries++ === 0) throw new Error("no such socket");
      return containers;
    };
    await using programs = closing(new IsolatedPrograms({ process: new NotingPrograms(), openContainers }));
    const lost = Promise.withResolvers<ProgramEnd>();
    programs.start("a", inContainer, lost.resolve);
    expect(await lost.promise).toEqual({ type: "lost", message: "no such socket" });
    const killed = Promise.withResolvers<ProgramEnd>();
    const handle = programs.start("b", inContainer, killed.resolve);
    await Promise.resolve().then(() => Promise.resolve());
    handle.kill(0);
    expect(await killed.promise).toMatchObject({ type: "ended" });
    expect(tries).toBe(2);
  });

  test("closing kills everything and closes what was opened", async () => {
    const [processes, containers] = [new NotingPrograms(), new NotingPrograms()];
    const programs = new IsolatedPrograms({ process: processes, openContainers: async () => containers });
    programs.start("a", inContainer, () => undefined);
    await programs.close();
    expect(processes.notes).toEqual(["kill all"]);
    expect(containers.notes).toEqual(["start a", "kill all", "close"]);
  });
});

function closing(programs: IsolatedPrograms): IsolatedPrograms & AsyncDisposable {
  return Object.assign(programs, { [Symbol.asyncDispose]: () => programs.close() });
}

import { describe, expect, test } from "bun:test";
import { type Machine, StepLoop } from "../../../src/base/step-loop.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** Answers each number with a command for each digit; `-1` is the time, which it wants once. */
class Digits implements Machine<number, string> {
  wakeAtMs: number | undefined;
  readonly seen: number[] = [];
  readonly clock: ManualClock;
  constructor(clock = new ManualClock()) {
    this.clock = clock;
  }
  step(event: number): string[] {
    this.seen.push(event);
    if (event < 0 && this.clock.monotonicMs() >= (this.wakeAtMs ?? 0)) this.wakeAtMs = undefined;
    return event < 0 ? [] : String(event).split("");
  }
}

describe("a step loop", () => {
  test("performs the commands of an event before it takes one that they set off", () => {
    const performed: string[] = [];
    const loop: StepLoop<number, string> = new StepLoop(new Digits(), -1, new ManualClock(), (command) => {
      performed.push(command);
      if (command === "1") loop.dispatch(78);
    });
    loop.dispatch(123);
    expect(performed).toEqual(["1", "2", "3", "7", "8"]);
  });

  test("performs nothing more once a command stopped it", () => {
    const performed: string[] = [];
    const loop: StepLoop<number, string> = new StepLoop(new Digits(), -1, new ManualClock(), (command) => {
      performed.push(command);
      if (command === "2") loop.stop();
    });
    loop.dispatch(123);
    loop.dispatch(4);
    expect(performed).toEqual(["1", "2"]);
  });

  test("tells the time when the machine wants it, also where that moved", () => {
    const clock = new ManualClock();
    const machine = new Digits(clock);
    const loop = new StepLoop(machine, -1, clock, () => undefined);
    const start = clock.monotonicMs();
    machine.wakeAtMs = start + 100;
    loop.dispatch(1);
    machine.wakeAtMs = start + 50;
    loop.dispatch(2);
    clock.advance(49);
    expect(machine.seen).toEqual([1, 2]);
    clock.advance(1);
    expect(machine.seen).toEqual([1, 2, -1]);
  });

  test("wakes in vain rather than move its timer at each event", () => {
    const clock = new ManualClock();
    const machine = new Digits(clock);
    const loop = new StepLoop(machine, -1, clock, () => undefined);
    const start = clock.monotonicMs();
    for (let event = 0; event < 10; event++) {
      machine.wakeAtMs = start + 100 + event;
      loop.dispatch(event);
    }
    expect(clock.pending).toBe(1);
    clock.advance(100);
    expect(machine.seen.at(-1)).toBe(-1);
    expect(machine.wakeAtMs).toBe(start + 109);
    clock.advance(9);
    expect(machine.wakeAtMs).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test("has no timer left once the machine wants none", () => {
    const clock = new ManualClock();
    const machine = new Digits(clock);
    const loop = new StepLoop(machine, -1, clock, () => undefined);
    machine.wakeAtMs = clock.monotonicMs() + 100;
    loop.dispatch(1);
    machine.wakeAtMs = undefined;
    loop.dispatch(2);
    expect(clock.pending).toBe(0);
  });
});

import { expect } from "bun:test";
import { definition } from "../support/e2e/definitions.ts";
import { endToEnd } from "../support/e2e/end-to-end.ts";
import { eventually } from "../support/e2e/eventually.ts";
import { openGate } from "../support/e2e/gated.ts";
import { processesOf } from "../support/e2e/leftovers.ts";
import { startLocal } from "../support/e2e/local-brigade.ts";
import { PeakMemory } from "../support/e2e/memory.ts";
import { header } from "../support/e2e/topics.ts";
import type { Definition, World } from "../support/e2e/world.ts";

/* Programs at their worst, each in a processor of its own beside one that minds its business (DESIGN's promise I7). */

interface Misbehaviour {
  readonly script: string;
  readonly starts: number;
  /** What becomes of the record: an answer, or an error record with these `brigade.error.` headers. */
  readonly fate: { readonly answer: string } | { readonly error: Readonly<Record<string, string>> };
}

const FLOOD_BYTES = 100_000_000;
/** Second attempts wait for it, so that their records are open while the other processor works. */
const GATE = "second attempts";

const MISBEHAVIOURS: Readonly<Record<string, Misbehaviour>> = {
  exits: {
    script: "hold; printf half; printf 'no luck' >&2; exit 3",
    starts: 2,
    fate: { error: { reason: "exit code 3", "exit-code": "3", attempts: "2", stderr: "no luck" } },
  },
  killed: {
    script: "hold; kill -KILL $$",
    starts: 2,
    fate: { error: { reason: "killed by SIGKILL", signal: "SIGKILL", attempts: "2" } },
  },
  late: {
    script: "sleep 3600",
    starts: 2,
    fate: { error: { reason: "timed out after 4000 ms", attempts: "2" } },
  },
  floods: {
    script: `head -c ${FLOOD_BYTES} /dev/zero`,
    starts: 1,
    fate: { error: { reason: "output larger than 900000 bytes (max-output)", attempts: "1" } },
  },
  complains: {
    script: `head -c ${FLOOD_BYTES} /dev/zero >&2; exit 65`,
    starts: 1,
    fate: { error: { reason: "exit code 65 (EX_DATAERR)", "exit-code": "65", attempts: "1" } },
  },
  deaf: { script: "exec <&-; echo heard nothing", starts: 1, fate: { answer: "heard nothing\n" } },
  // A child holds standard output open: in the program's process group, and out of it.
  forks: { script: "sleep 3601 & echo early", starts: 1, fate: { answer: "early\n" } },
  escapes: { script: "setsid sleep 3602 & echo away", starts: 1, fate: { answer: "away\n" } },
};

/** Reads `in`, and notes each start outside of Brigade. */
function misbehaving(world: World, name: string, script: string): Definition {
  const hold = `hold() { [ "$BRIGADE_ATTEMPT" = 1 ] || until [ -e 'gates/${GATE}' ]; do sleep 0.05; done; }`;
  return definition(name, "in", `out-${name}`, `cd '${world.folder}'; echo ${name} >> starts; ${hold}; ${script}`, {
    error: `errors-${name}`,
    retry: { attempts: 2, backoff: "10ms" },
    ...(name === "late" ? { timeout: "4s" } : {}),
  });
}

endToEnd(
  "a program at its worst ends as its own fault says, and the processor beside it does not notice",
  async (world) => {
    const all = Object.entries(MISBEHAVIOURS);
    const starts = async (name: string): Promise<number> => {
      return (await world.lines("starts")).filter((line) => line === name).length;
    };
    await world.define(
      ...all.map(([name, { script }]) => misbehaving(world, name, script)),
      definition("absent", "in", "out-absent", ["no-such-program"], { error: "errors-absent" }),
      definition("calm", "quiet", "done", `echo calm >> '${world.path("starts")}'; cat`, { concurrency: 4 }),
    );
    await using brigade = await startLocal(world, { args: ["--cpus", "16"] });
    const { api, topics } = brigade;
    // More than fits into a pipe that nobody reads.
    await topics.produceValues("in", ["x".repeat(500_000)]);
    for (const [name, misbehaviour] of all) {
      await eventually(`${name} has started as often as it may`, async () => {
        return (await starts(name)) >= misbehaviour.starts;
      });
    }
    await api.untilPaused("absent", /no-such-program/);

    const values = Array.from({ length: 100 }, (_, i) => String(i)).sort();
    await topics.produceValues("quiet", values);
    const calm = await api.untilSettled("calm", values.length);
    for (const name of ["exits", "killed", "absent"]) expect((await api.processor(name))?.inFlight).toBe(1);
    await openGate(world, GATE);

    for (const [name, misbehaviour] of all) {
      await api.untilSettled(name, 1);
      const { fate } = misbehaviour;
      const answers = await topics.values(`out-${name}`);
      const errors = await topics.read(`errors-${name}`);
      expect({ name, answers, errors: errors.length, starts: await starts(name) }).toEqual({
        name,
        answers: "answer" in fate ? [fate.answer] : [],
        errors: "answer" in fate ? 0 : 1,
        starts: misbehaviour.starts,
      });
      if ("answer" in fate) continue;
      const said = Object.keys(fate.error).map((key) => [key, header(errors[0]!, `brigade.error.${key}`)]);
      expect({ name, ...Object.fromEntries(said) }).toEqual({ name, ...fate.error });
    }
    expect(await topics.size("errors-absent")).toBe(0);
    // What is killed is gone a moment later.
    await eventually("nothing of theirs runs", () => {
      return !processesOf(world.folder).some(({ command }) => /^(head|sleep 360[01])/.test(command));
    });

    expect(calm).toMatchObject({ phase: "running", reason: null });
    expect(calm.counters).toMatchObject({ failedAttempts: 0, errors: 0, reruns: {}, launches: values.length });
    expect(await topics.values("done")).toEqual(values);
    expect(await starts("calm")).toBe(values.length);
  },
);

endToEnd("a program that prints 100 MB costs no process of Brigade 64 MB", async (world) => {
  const floods = { stdout: 1, stderr: 2 };
  const names = Object.keys(floods);
  const script = (descriptor: number): string => {
    return `read -r size; head -c "$size" /dev/zero >&${descriptor}`;
  };
  await world.define(
    ...Object.entries(floods).map(([name, descriptor]) => {
      // The executors that are looked at in the end are those of the beginning.
      const executor = { cpus: 0.1, mem: 32, "idle-timeout": "1h" };
      return definition(name, "in", `out-${name}`, script(descriptor), { error: `errors-${name}`, executor });
    }),
  );
  await using brigade = await startLocal(world);
  const { api, topics } = brigade;
  // Whatever is loaded or allocated for the first record is not the flood's.
  await topics.produceValues("in", ["1\n", "100\n", "10000\n"]);
  for (const name of names) await api.untilSettled(name, 3);
  const memory = PeakMemory.of(world.folder, world.binary);
  await topics.produceValues("in", [`${FLOOD_BYTES}\n`]);
  for (const name of names) await api.untilSettled(name, 4);

  const { growth } = memory;
  const parts = growth.map(
    ({ command }) => /\b(local-mesos|local-kafka|executor|local)\b/.exec(command)?.[1] ?? command,
  );
  const engines = world.kafka === undefined ? ["local-kafka", "local-mesos"] : ["local-mesos"];
  expect(parts.sort()).toEqual(["executor", "executor", "local", ...engines]);
  expect(growth.filter(({ bytes }) => bytes >= 64_000_000)).toEqual([]);
  expect(await topics.size("errors-stdout")).toBe(1);
  expect(await topics.size("out-stderr")).toBe(4);
});

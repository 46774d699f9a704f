/**
 * Programs in `exec` isolation against the bare calls of the Engine API (create exec, start, inspect) in containers that
 * run already, at the same concurrency and with the same limits:
 *
 *     bun bench/exec.ts [--runs 64] [--concurrency 4] [--rounds 5]
 *
 * Rounds alternate, as in bench/container.ts.
 */
import { pooledContainerConfig } from "../src/programs/docker/container-config.ts";
import { keptConfig } from "../src/programs/docker/kept-container.ts";
import { programEnvironment } from "../src/programs/program-environment.ts";
import { benchOwner, catRequest, compareWithBareCalls } from "./container-bench.ts";

const request = catRequest({ isolation: "exec", maxUses: 1_000_000 });
const exec = JSON.stringify({
  Cmd: ["cat"],
  Env: Object.entries(programEnvironment(request)).map(([name, text]) => `${name}=${text}`),
  AttachStdin: true,
  AttachStdout: true,
  AttachStderr: true,
});

await compareWithBareCalls({
  name: "exec isolation",
  request,
  runs: 64,
  untilRemoved: false,
  async bare(engine, input, concurrency) {
    const config = keptConfig(pooledContainerConfig("bench", request.spec, benchOwner));
    const containers = await Promise.all(
      Array.from({ length: concurrency }, async () => {
        const id = await engine.create("/containers/create", config);
        await engine.call("POST", `/containers/${id}/start`);
        return id;
      }),
    );
    return async (worker) => {
      const id = await engine.create(`/containers/${containers[worker]}/exec`, JSON.parse(exec));
      const { output } = await engine.stream(`/exec/${id}/start`, input, '{"Detach":false,"Tty":false}');
      const length = await output;
      const { Running, ExitCode } = JSON.parse(await engine.call("GET", `/exec/${id}/json`)) as {
        Running: boolean;
        ExitCode: number | null;
      };
      if (Running || ExitCode !== 0) throw new Error(`the program has not ended well (exit code ${ExitCode})`);
      return length;
    };
  },
});

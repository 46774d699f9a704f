/**
 * Programs in `container` isolation against the bare calls of the Engine API (create, attach, start, wait, remove), at the
 * same concurrency and with the same limits:
 *
 *     bun bench/container.ts [--runs 16] [--concurrency 4] [--rounds 5]
 *
 * Rounds alternate, so that whatever else the machine does meets both alike. Starts a Docker Engine of its own, and says
 * why where that cannot be done.
 */
import { containerConfig } from "../src/programs/docker/container-config.ts";
import { benchOwner, catRequest, compareWithBareCalls } from "./container-bench.ts";

const request = catRequest({ isolation: "container" });

await compareWithBareCalls({
  name: "container isolation",
  request,
  runs: 16,
  untilRemoved: true,
  bare: async (engine, input) => async () => {
    const id = await engine.create("/containers/create", containerConfig("bench", request, benchOwner));
    const { output } = await engine.stream(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`, input);
    await engine.call("POST", `/containers/${id}/start`);
    const length = await output;
    await engine.call("POST", `/containers/${id}/wait`);
    await engine.call("DELETE", `/containers/${id}?force=1&v=1`);
    return length;
  },
});

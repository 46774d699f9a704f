import { expect, test } from "bun:test";
import { resolve } from "node:path";

const main = resolve(import.meta.dir, "../../../executor/main.ts");

test("an executor that no agent started says which variable is missing, and exits 1", async () => {
  const script = `import { executorMain } from ${JSON.stringify(main)}; process.exit(await executorMain(process.env));`;
  const child = Bun.spawn([process.execPath, "-e", script], { env: {}, stdin: "ignore", stderr: "pipe" });
  expect(await child.exited).toBe(1);
  expect(await new Response(child.stderr).text()).toContain("MESOS_FRAMEWORK_ID is not set");
});

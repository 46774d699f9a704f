import { expect, test } from "bun:test";
import { join } from "node:path";

test("output that a pipe cannot take at once is complete when the process exits", async () => {
  const child = join(import.meta.dir, "large-output-child.ts");
  const bytes = 3_000_000;
  const run = Bun.spawn([process.execPath, child, String(bytes)], { stdout: "pipe", stderr: "inherit" });
  const [output, exitCode] = await Promise.all([new Response(run.stdout).bytes(), run.exited]);
  expect(exitCode).toBe(0);
  expect(output.byteLength).toBe(bytes);
});

test("a reader that has left does not keep the process", async () => {
  const child = join(import.meta.dir, "large-output-child.ts");
  const run = Bun.spawn([process.execPath, child, "3000000"], { stdout: "pipe", stderr: "inherit" });
  await run.stdout.cancel();
  expect(await run.exited).toBe(0);
});

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface BrokenBuild extends AsyncDisposable {
  readonly binary: string;
}

const ENGINE = "src/engine/engine.ts";

/** The engine says at once that an output was sent, and sends it only once a commit was made. */
const replacements: readonly (readonly [from: string, to: string])[] = [
  [
    "  readonly #queue: TrackerEvent[] = [];",
    "  readonly #queue: TrackerEvent[] = [];\n  readonly #afterCommit: (() => void)[] = [];",
  ],
  [
    '        this.#handle({ type: "committed", commitId });\n',
    '        this.#handle({ type: "committed", commitId });\n' +
      "        for (const send of this.#afterCommit.splice(0)) send();\n",
  ],
  [
    "    this.#options.output.send(records, { signal: this.#abort.signal }).then(\n" +
      '      () => this.#handle({ type: "sent", sendId }),\n' +
      '      (error: unknown) => this.#handle({ type: "send-failed", sendId, failure: sendFailure(error) }),\n' +
      "    );",
    "    const options = { signal: this.#abort.signal };\n" +
      "    this.#afterCommit.push(() => void this.#options.output.send(records, options).catch(() => undefined));\n" +
      '    this.#handle({ type: "sent", sendId });',
  ],
];

/**
 * Compiles a Brigade that breaks promise I1 in one place: it commits before it produces. In a folder of its own, which
 * goes with the result.
 *
 * @throws where the sources have changed so that it cannot be broken in that way any more
 */
export async function buildBroken(root: string): Promise<BrokenBuild> {
  const folder = await mkdtemp(join(tmpdir(), "brigade-broken-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    for (const part of ["src", "workers", "executor", "scripts", "package.json", "tsconfig.json"]) {
      await cp(join(root, part), join(folder, part), { recursive: true });
    }
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await breakEngine(join(folder, ENGINE));
    const binary = join(folder, "dist/brigade");
    const build = Bun.spawnSync([process.execPath, "scripts/build.ts"], { cwd: folder, stderr: "inherit" });
    if (!build.success) throw new Error("Cannot compile the broken Brigade");
    return { binary, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function breakEngine(path: string): Promise<void> {
  let text = await readFile(path, "utf8");
  for (const [from, to] of replacements) {
    if (text.split(from).length !== 2) throw new Error(`Cannot break ${ENGINE}: it must hold once:\n${from}`);
    text = text.replace(from, () => to);
  }
  await writeFile(path, text);
}

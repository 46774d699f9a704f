import { afterAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatProblem } from "../../../src/config/problem.ts";
import { type ProcessorDir, readProcessorDir } from "../../../src/config/processor-files.ts";

const root = await mkdtemp(join(tmpdir(), "brigade-processors-"));
let folders = 0;

afterAll(() => rm(root, { recursive: true }));

async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = join(root, String(folders++));
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const processor = (name: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({ name, input: `${name}-in`, command: "cat", ...more });

async function read(path: string): Promise<Extract<ProcessorDir, { kind: "ok" }>> {
  const directory = await readProcessorDir(path);
  if (directory.kind !== "ok") throw directory.error;
  return directory;
}

const names = ({ processors }: { processors: readonly { name: string }[] }): string[] =>
  processors.map(({ name }) => name);

describe("a folder of processors", () => {
  test("is every file in it that ends in .json, in any case, and no folder below it", async () => {
    const folder = await folderOf({
      "b.JSON": processor("b"),
      "a.json": `[${processor("a1")}, ${processor("a2")}]`,
      "c.json.bak": processor("c"),
    });
    await mkdir(join(folder, "sub.json"));
    await writeFile(join(folder, "sub.json", "d.json"), processor("d"));
    const directory = await read(folder);
    expect(names(directory)).toEqual(["a1", "a2", "b"]);
    expect(directory.problems).toEqual([]);
    expect(directory.files).toEqual([
      { path: join(folder, "a.json"), broken: false, names: ["a1", "a2"] },
      { path: join(folder, "b.JSON"), broken: false, names: ["b"] },
    ]);
  });

  test("may be empty, which is not unreadable", async () => {
    expect(await readProcessorDir(await folderOf({}))).toEqual({ kind: "ok", processors: [], problems: [], files: [] });
  });

  test("a file with a mistake gives nothing but its problems and the names that it is about", async () => {
    const folder = await folderOf({
      "bad.json": `[${processor("x")}, ${processor("y", { cpus: 0 })}]`,
      "good.json": processor("good"),
      "torn.json": processor("torn").slice(0, -5),
      "binary.json": "\u0000",
    });
    await writeFile(join(folder, "latin.json"), Uint8Array.of(0x22, 0xe9, 0x22));
    const directory = await read(folder);
    expect(names(directory)).toEqual(["good"]);
    expect(directory.files.filter(({ broken }) => broken).map(({ path }) => path)).toEqual(
      ["bad", "binary", "latin", "torn"].map((name) => join(folder, `${name}.json`)),
    );
    expect(directory.files[0]?.names).toEqual(["x", "y"]);
    expect(directory.problems).toHaveLength(4);
    expect(directory.problems.map(({ file }) => file)).toEqual(
      ["bad", "binary", "latin", "torn"].map((name) => join(folder, `${name}.json`)),
    );
  });

  test("two files with one name break both, since either may be the newer", async () => {
    const folder = await folderOf({
      "a.json": processor("same"),
      "b.json": processor("same"),
      "c.json": processor("c"),
    });
    const directory = await read(folder);
    expect(names(directory)).toEqual(["c"]);
    expect(directory.problems.map(formatProblem)).toEqual([
      `${folder}/a.json:1:1: error at $.name: name is "same" like that of $ in ${folder}/b.json, must differ: names are unique in a deployment`,
      `${folder}/b.json:1:1: error at $.name: name is "same" like that of $ in ${folder}/a.json, must differ: names are unique in a deployment`,
    ]);
  });

  test("a circle over several files is a warning", async () => {
    const folder = await folderOf({
      "a.json": processor("a", { output: "b-in" }),
      "b.json": processor("b", { output: "a-in" }),
    });
    const directory = await read(folder);
    expect(names(directory)).toEqual(["a", "b"]);
    expect(directory.problems.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      "warning: records go in a circle: a (a-in) → b (b-in) → a (a-in)",
    ]);
  });

  test("a huge file is not read", async () => {
    const folder = await folderOf({ "dump.json": " ".repeat(5_000_000) });
    expect((await read(folder)).problems[0]?.message).toBe("the file has 5 MB, must have 4.2 MB at most");
  });
});

test("executors from images are refused by what EXECUTOR_IMAGES says, and their volumes with them", async () => {
  const executor = { image: "brigade:1", volumes: [{ "host-path": "/a", "container-path": "/b" }] };
  const folder = await folderOf({
    "a.json": processor("a", { executor }),
    "b.json": processor("b", { executor: { image: "brigade:1" } }),
    "c.json": processor("c"),
  });
  const check = async (executorImages: readonly string[] | null) => {
    const directory = await readProcessorDir(folder, { executorImages });
    if (directory.kind !== "ok") throw directory.error;
    return { used: names(directory), messages: directory.problems.map(({ path, message }) => `${path} ${message}`) };
  };
  expect(await check(null)).toEqual({ used: ["a", "b", "c"], messages: [] });
  expect(await check(["brigade:1", "brigade:2"])).toEqual({
    used: ["b", "c"],
    messages: ["$.executor.volumes executor.volumes must not be set (the scheduler's EXECUTOR_IMAGES)"],
  });
  expect((await check(["brigade:2", "x"])).messages[0]).toBe(
    '$.executor.image executor.image is "brigade:1", must be brigade:2 or x (the scheduler\'s EXECUTOR_IMAGES)',
  );
  expect(await check([])).toMatchObject({ used: ["c"] });
});

test("a file is read whatever its name", async () => {
  const folder = await folderOf({ processors: processor("a") });
  expect(names(await read(join(folder, "processors")))).toEqual(["a"]);
});

test("what is missing is unreadable, and says so", async () => {
  const directory = await readProcessorDir(join(root, "missing"));
  expect(directory.kind).toBe("unreadable");
  if (directory.kind === "unreadable") {
    expect(directory.error.message).toBe(
      `Cannot read processors from ${root}/missing: it does not exist, must be a readable folder or file`,
    );
  }
});

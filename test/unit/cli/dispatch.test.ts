import { expect, test } from "bun:test";
import { InputError, UsageError } from "../../../src/base/errors.ts";
import type { CliCommand } from "../../../src/cli/command.ts";
import { type CommandEntry, commands } from "../../../src/cli/commands.ts";
import { dispatch } from "../../../src/cli/dispatch.ts";
import { fakeIo } from "./fake-io.ts";

/** A `brigade` with one command, and one that only Brigade itself calls. */
function withCommand(run: CliCommand["run"]): readonly CommandEntry[] {
  const load = async (): Promise<CliCommand> => ({
    name: "fold",
    summary: "fold it",
    usage: "Usage: brigade fold\n",
    run,
  });
  return [
    { name: "fold", load },
    { name: "inner", hidden: true, load },
  ];
}

const quiet = withCommand(async () => 0);

test("the arguments after the command's name are the command's, and its exit code is ours", async () => {
  const seen: (readonly string[])[] = [];
  const entries = withCommand(async (args) => {
    seen.push(args);
    return 1;
  });
  expect(await dispatch(["fold", "-x", "y"], fakeIo(), entries)).toBe(1);
  expect(seen).toEqual([["-x", "y"]]);
});

test("--version prints one line", async () => {
  const io = fakeIo();
  expect(await dispatch(["--version"], io, quiet)).toBe(0);
  expect(io.out).toMatch(/^brigade \d+\.\d+\.\d+\n$/);
});

test("help lists every command but the hidden ones", async () => {
  const io = fakeIo();
  expect(await dispatch(["--help"], io, quiet)).toBe(0);
  expect(io.out).toContain("fold  fold it");
  expect(io.out).not.toContain("inner");
});

test("help of a command is the same before and after its name", async () => {
  for (const argv of [
    ["help", "fold"],
    ["fold", "--help"],
    ["fold", "x", "-h"],
  ]) {
    const io = fakeIo();
    expect(await dispatch(argv, io, quiet)).toBe(0);
    expect(io.out).toBe("Usage: brigade fold\n");
  }
});

test("--help after -- belongs to the command", async () => {
  const io = fakeIo();
  await dispatch(["fold", "--", "--help"], io, quiet);
  expect(io.out).toBe("");
});

test("without a command the overview goes to standard error, as wrong usage", async () => {
  const io = fakeIo();
  expect(await dispatch([], io, quiet)).toBe(2);
  expect(io.out).toBe("");
  expect(io.err).toContain("Usage: brigade COMMAND");
});

test("an unknown command names the nearest one", async () => {
  const io = fakeIo();
  expect(await dispatch(["flod"], io, quiet)).toBe(2);
  expect(io.err).toBe('brigade: There is no command "flod" (did you mean "fold"?)\n');
});

test("wrong usage prints what is wrong and then the usage, and exits 2", async () => {
  const io = fakeIo();
  const entries = withCommand(() => Promise.reject(new UsageError("fold takes one PATH")));
  expect(await dispatch(["fold"], io, entries)).toBe(2);
  expect(io.err).toBe("brigade: fold takes one PATH\n\nUsage: brigade fold\n");
});

test("a failure is one line with its causes and exits 1; the stack comes with LOG_LEVEL=debug", async () => {
  const error = new InputError("Cannot fold", { cause: new Error("it is wet") });
  const entries = withCommand(() => Promise.reject(error));
  const io = fakeIo();
  expect(await dispatch(["fold"], io, entries)).toBe(1);
  expect(io.err).toBe("brigade: Cannot fold: it is wet\n");
  const debugging = fakeIo({ env: { LOG_LEVEL: "debug" } });
  await dispatch(["fold"], debugging, entries);
  expect(debugging.err).toContain("dispatch.test.ts");
});

test("Ctrl-C is no error to tell about", async () => {
  const io = fakeIo();
  const entries = withCommand(async (_, { signal }) => {
    io.interrupt();
    signal.throwIfAborted();
    return 0;
  });
  expect(await dispatch(["fold"], io, entries)).toBe(1);
  expect(io.err).toBe("");
});

test("every command's usage begins with its own name, and its summary is one line without a full stop", async () => {
  for (const entry of commands) {
    const { name, usage, summary } = await entry.load();
    expect(name).toBe(entry.name);
    expect(usage).toStartWith(`Usage: brigade ${name}`);
    expect(usage).toEndWith("\n");
    expect(summary).toMatch(/^[^\n]*[^.\n]$/);
  }
});

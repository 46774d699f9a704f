/*
 * How Brigade starts Brigade: the compiled binary by its own path; run from source, Bun with main.ts.
 */

/** @returns argv: the program first */
export function selfCommand(args: readonly string[]): readonly string[] {
  return Bun.isStandaloneExecutable ? [process.execPath, ...args] : [process.execPath, Bun.main, ...args];
}

/** The same for a shell, which it replaces. */
export function selfShellCommand(args: readonly string[]): string {
  return `exec ${selfCommand(args).map(shellQuoted).join(" ")}`;
}

function shellQuoted(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

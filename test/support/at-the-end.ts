const ends: (() => Promise<void>)[] = [];

/** For what test files share: `end` is called once, after the last test of the last file. */
export function atTheEnd(end: () => Promise<void>): void {
  ends.push(end);
}

export async function theEnd(): Promise<void> {
  await Promise.all(ends.splice(0).map((end) => end()));
}

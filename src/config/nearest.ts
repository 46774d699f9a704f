/**
 * The name that was probably meant, for `did you mean "output"?`.
 *
 * Case and the separators `-`, `_` and `.` do not count; neither does a word cut short (`memory` for `mem`).
 *
 * @returns undefined where nothing is near enough to be more help than noise
 */
export function nearestName(wrong: string, names: Iterable<string>): string | undefined {
  const plainWrong = plain(wrong);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(plainWrong.length / 3)) + 1;
  for (const name of names) {
    const distance = nameDistance(plainWrong, plain(name));
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

export function didYouMean(wrong: string, names: Iterable<string>): string | undefined {
  const name = nearestName(wrong, names);
  return name === undefined ? undefined : `did you mean "${name}"?`;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_.]/g, "");
}

function nameDistance(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short.length >= 3 && long.startsWith(short)) return Math.min(1, long.length - short.length);
  return editDistance(a, b);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

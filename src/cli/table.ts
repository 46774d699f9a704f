/** Columns as wide as their widest cell, two spaces apart; a column whose cells are all numbers stands to the right. */
export function formatTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const columns = head.map((title, at) => {
    const cells = rows.map((row) => row[at] ?? "");
    const width = Math.max(title.length, ...cells.map((cell) => String(cell).length));
    return { width, right: cells.length > 0 && cells.every((cell) => typeof cell === "number" || cell === "-") };
  });
  const line = (cells: readonly (string | number)[]): string =>
    columns
      .map(({ width, right }, at) =>
        right ? String(cells[at] ?? "").padStart(width) : String(cells[at] ?? "").padEnd(width),
      )
      .join("  ")
      .trimEnd();
  return [head, ...rows].map((row) => `${line(row)}\n`).join("");
}

/** What is wrong with an id that a framework chose, in Mesos' words. Such ids become names of directories. */
export function idProblem(id: string): string | undefined {
  if (id === "") return "ID must not be empty";
  if (Buffer.byteLength(id) > 255) return "ID must not be greater than 255 characters";
  if (id === "." || id === "..") return `'${id}' is disallowed`;
  for (const char of id) {
    const code = char.codePointAt(0) ?? 0;
    if (char === "/" || char === "\\" || code < 0x20 || code === 0x7f) return `'${id}' contains invalid characters`;
  }
  return undefined;
}

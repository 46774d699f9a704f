/** Why tests with kcat cannot run here; undefined where they can. */
export const noKcat: string | undefined = Bun.which("kcat") === null ? "kcat is not installed" : undefined;

/** Produces `KEY<tab>VALUE` lines. */
export async function kcatProduce(kafka: string, topic: string, lines: readonly string[]): Promise<void> {
  await kcat(["-P", "-b", kafka, "-t", topic, "-K", "\t"], `${lines.join("\n")}\n`);
}

/**
 * Reads all that stands in a topic.
 *
 * @param format as kcat's `-f`: `%k` key, `%s` value, `%p` partition, `%h` headers
 * @returns one line a record
 */
export async function kcatRead(kafka: string, topic: string, format: string): Promise<readonly string[]> {
  const out = await kcat(["-C", "-b", kafka, "-t", topic, "-o", "beginning", "-e", "-q", "-f", `${format}\\n`], "");
  return out.split("\n").slice(0, -1);
}

async function kcat(args: readonly string[], stdin: string): Promise<string> {
  const child = Bun.spawn(["kcat", ...args], { stdin: Buffer.from(stdin), stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`kcat ${args.join(" ")} failed: ${err}`);
  return out;
}

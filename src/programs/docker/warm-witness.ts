import { concatBytes, noBytes, utf8 } from "../../base/bytes.ts";
import type { ContainerConfig } from "./container-config.ts";
import type { ContainerOutput } from "./stream-demultiplexer.ts";

/**
 * The first process of a warm container: it starts the program as its child and says when that has succeeded.
 *
 * The Engine tells the end of a container, and even the end of its output, only after it has cleared the container away,
 * some ten milliseconds after the program's exit. For a program that answers within two that is nearly all of its time.
 * So a mark that nobody else knows follows the output of a program that exits with 0. Everything else (other exit codes,
 * signals, standard error to its last byte) is not urgent, and comes from the Engine as always. The same mark comes before
 * the output, once the program is known to be there: what is missing ends its container before it could burn a record.
 *
 * In the background, since a shell takes a signal only while it waits for such a child; with its input passed on by hand,
 * since a shell gives those none. `wait` ends with a signal, too: then the child is still there. What the shell itself has
 * to say (of a segmentation fault, say) is not the program's.
 */
const SCRIPT = `
[ $$ = 1 ] || { echo 'it is not the first process of its container' >&2; exit 1; }
mark=$1
shift
case $1 in
  */*) [ -f "$1" ] && [ -x "$1" ] ;;
  *) command -v "$1" >/dev/null ;;
esac || exit 127
trap 'kill -TERM -1' TERM
exec 3<&0 4>&2
echo "$mark"
"$@" <&3 2>&4 3<&- 4>&- &
exec 3<&- 4>&- </dev/null 2>/dev/null
while :; do
  wait $!
  code=$?
  kill -0 $! || break
done
[ $code = 0 ] && echo "$mark"
exit $code
`;

/** The container in which a witness starts the program. @param argv the program and its arguments */
export function witnessedConfig(config: ContainerConfig, argv: readonly string[], mark: string): ContainerConfig {
  return {
    ...config,
    Entrypoint: ["/bin/sh", "-c", SCRIPT, "sh", mark],
    Cmd: argv,
    // The witness is the first process, also where the Engine puts another one in front of all.
    HostConfig: { ...config.HostConfig, Init: false },
  };
}

/** Passes a program's output on: what comes between the marks of its witness, or all of it where it has none. */
export class MarkedOutput implements ContainerOutput {
  readonly #output: ContainerOutput;
  readonly #mark: Buffer;
  readonly #onMark: () => void;
  /** The end of what came, as long as it could be the beginning of the mark. */
  #held = noBytes;
  #isMarked = false;
  /** undefined: it is not to come any more. */
  #greeting: PromiseWithResolvers<"there"> | undefined;
  #receivedBytes = 0;
  #passedBytes = 0;

  constructor(output: ContainerOutput, mark: string, onMark: () => void) {
    this.#output = output;
    this.#mark = Buffer.from(utf8(`${mark}\n`));
    this.#onMark = onMark;
  }

  /** All that has come, some of which may turn out to be the mark. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Of the program's output; all of it, once the mark has come. */
  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** Of a program with a witness, before anything has come. Resolves when the program is there, and about to start. */
  greeted(): Promise<"there"> {
    this.#greeting = Promise.withResolvers();
    return this.#greeting.promise;
  }

  /** It has turned out to have none. */
  withoutWitness(): void {
    this.#greeting = undefined;
  }

  stdout(part: Uint8Array): void {
    // What children that the program left behind still have to say is nobody's.
    if (this.#isMarked) return;
    if (this.#greeting !== undefined) {
      const all = Buffer.from(concatBytes([this.#held, part]));
      this.#held = all;
      if (all.byteLength < this.#mark.byteLength) return;
      this.#greeting.resolve("there");
      this.#greeting = undefined;
      this.#held = noBytes;
      return this.stdout(all.subarray(this.#mark.byteLength));
    }
    this.#receivedBytes += part.byteLength;
    const all = Buffer.from(concatBytes([this.#held, part]));
    const at = all.indexOf(this.#mark);
    if (at >= 0) {
      this.#isMarked = true;
      this.#pass(all.subarray(0, at));
      return this.#onMark();
    }
    const held = this.#mark.byteLength - 1;
    this.#pass(all.subarray(0, -held));
    this.#held = all.subarray(-held);
  }

  stderr(part: Uint8Array): void {
    this.#output.stderr(part);
  }

  /** There is no more: what was held back belongs to the output. */
  end(): void {
    if (!this.#isMarked) this.#pass(this.#held);
    this.#held = noBytes;
  }

  #pass(bytes: Uint8Array): void {
    this.#passedBytes += bytes.byteLength;
    if (bytes.byteLength > 0) this.#output.stdout(bytes);
  }
}

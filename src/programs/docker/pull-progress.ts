import { showUtf8 } from "../../base/bytes.ts";
import { formatSize } from "../../base/size.ts";

/** One line of a pull's stream, as far as it is read. */
interface PullEntry {
  readonly error?: unknown;
  readonly status?: unknown;
  /** Of a layer; on the first line the tag. */
  readonly id?: unknown;
  readonly progressDetail?: { readonly current?: unknown; readonly total?: unknown };
}

interface Layer {
  done: boolean;
  currentBytes: number;
  totalBytes: number;
}

/** What is said of a layer that is, or will be, pulled. */
const layerStatus =
  /^(Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Pull complete|Already exists)$/;

/** Reads a pull's progress: JSON objects, one a line, of which one may say `error`. */
export class PullProgress {
  /** Why the pull failed, in the Engine's words; undefined where it did not. */
  failure: string | undefined;
  readonly #layers = new Map<string, Layer>();
  #rest = "";

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + showUtf8(chunk)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#line(line);
  }

  /** For people; undefined until the first layer is known. */
  get summary(): { readonly layers: string; readonly downloaded: string } | undefined {
    const layers = [...this.#layers.values()];
    if (layers.length === 0) return undefined;
    const sum = (field: "currentBytes" | "totalBytes"): string =>
      formatSize(layers.reduce((total, layer) => total + layer[field], 0));
    return {
      layers: `${layers.filter(({ done }) => done).length} of ${layers.length}`,
      downloaded: `${sum("currentBytes")} of ${sum("totalBytes")}`,
    };
  }

  #line(line: string): void {
    const entry = parseEntry(line);
    if (entry === undefined) return;
    const { error, status, id, progressDetail } = entry;
    if (typeof error === "string") this.failure = error;
    if (typeof id !== "string" || typeof status !== "string" || !layerStatus.test(status)) return;
    const layer = this.#layers.get(id) ?? { done: false, currentBytes: 0, totalBytes: 0 };
    this.#layers.set(id, layer);
    if (status === "Downloading" && typeof progressDetail?.current === "number") {
      layer.currentBytes = progressDetail.current;
      if (typeof progressDetail.total === "number") layer.totalBytes = progressDetail.total;
    }
    if (status === "Download complete") layer.currentBytes = layer.totalBytes;
    if (status === "Pull complete" || status === "Already exists") layer.done = true;
  }
}

function parseEntry(line: string): PullEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === "object" && entry !== null ? entry : undefined;
  } catch (error) {
    // Progress is for people: what cannot be read of it is left out.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

import type { ProcessorSpec } from "../config/processor.ts";

/** What one reading of PROCESSOR_DIR found. */
export type DirectoryScan =
  | {
      readonly kind: "ok";
      readonly processors: readonly ProcessorSpec[];
      /** Whether a file holds mistakes, so that it is not known which processors it means to define. */
      readonly broken: boolean;
    }
  /** Missing, unmounted, forbidden. */
  | { readonly kind: "unreadable" };

/** Only a poll counts towards removal: an editor that replaces a file makes many events in an instant. */
export type ScanTrigger = "poll" | "event";

export type DirectoryDecision =
  | { readonly type: "start"; readonly spec: ProcessorSpec }
  | { readonly type: "update"; readonly spec: ProcessorSpec }
  | { readonly type: "remove"; readonly name: string };

export type HoldReason = "unreadable" | "broken-file" | "all-gone" | "first-poll";

/** A processor whose definition is gone and which goes on running, and why. */
export interface HeldProcessor {
  readonly name: string;
  readonly reason: HoldReason;
}

export interface DirectoryStep {
  readonly decisions: readonly DirectoryDecision[];
  /** The whole present list, sorted by name. */
  readonly held: readonly HeldProcessor[];
}

interface Known {
  spec: ProcessorSpec;
  /** Polls in a row of a readable folder that did not find it. */
  missedPolls: number;
}

/** Readings in a row of a readable folder that must lack a processor before it is removed. */
const POLLS_TO_REMOVE = 2;

/**
 * Decides what a change of PROCESSOR_DIR means. Pure: scans in, decisions out.
 *
 * Starting and changing happen at once, by value and not by time of file. Taking away is slow on purpose: a folder that
 * is unmounted, half copied or half edited must not end what runs. So a processor is removed only when two polls in a
 * row do not find it, in a folder that can be read, in which every file can be read, and which still has a processor.
 * What is held back for one of these reasons is removed by {@link ProcessorDirectory.confirm}.
 */
export class ProcessorDirectory {
  readonly #known = new Map<string, Known>();
  #lastScan: DirectoryScan = { kind: "unreadable" };

  /** @param known what ran when the scheduler stopped last; it counts as found until polls say otherwise */
  constructor(known: readonly ProcessorSpec[] = []) {
    for (const spec of known) this.#known.set(spec.name, { spec, missedPolls: 0 });
  }

  step(scan: DirectoryScan, trigger: ScanTrigger): DirectoryStep {
    this.#lastScan = scan;
    const decisions: DirectoryDecision[] = [];
    for (const spec of scan.kind === "ok" ? scan.processors : []) {
      const known = this.#known.get(spec.name);
      this.#known.set(spec.name, { spec, missedPolls: 0 });
      if (known === undefined) decisions.push({ type: "start", spec });
      else if (known.spec.version !== spec.version) decisions.push({ type: "update", spec });
    }
    for (const [name, known] of this.#absent(scan)) {
      if (holdsAll(scan) !== undefined) known.missedPolls = 0;
      else if (trigger === "poll") known.missedPolls++;
      if (this.#holdReason(known) !== undefined) continue;
      this.#known.delete(name);
      decisions.push({ type: "remove", name });
    }
    return { decisions, held: this.#held() };
  }

  /** Removes now what is held back; names that are not are passed over. */
  confirm(names: readonly string[] | "all"): DirectoryStep {
    const decisions: DirectoryDecision[] = [];
    for (const { name } of this.#held()) {
      if (names !== "all" && !names.includes(name)) continue;
      this.#known.delete(name);
      decisions.push({ type: "remove", name });
    }
    return { decisions, held: this.#held() };
  }

  /** Whether the processor is meant to run, defined or held. */
  has(name: string): boolean {
    return this.#known.has(name);
  }

  #absent(scan: DirectoryScan): readonly (readonly [string, Known])[] {
    const present = new Set(scan.kind === "ok" ? scan.processors.map(({ name }) => name) : []);
    return [...this.#known].filter(([name]) => !present.has(name));
  }

  #holdReason(known: Known): HoldReason | undefined {
    return holdsAll(this.#lastScan) ?? (known.missedPolls < POLLS_TO_REMOVE ? "first-poll" : undefined);
  }

  #held(): readonly HeldProcessor[] {
    const held = this.#absent(this.#lastScan).flatMap(([name, known]) => {
      const reason = this.#holdReason(known);
      return reason === undefined ? [] : [{ name, reason }];
    });
    return held.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** Why nothing at all may be removed on the word of this scan. */
function holdsAll(scan: DirectoryScan): HoldReason | undefined {
  if (scan.kind === "unreadable") return "unreadable";
  if (scan.broken) return "broken-file";
  return scan.processors.length === 0 ? "all-gone" : undefined;
}

import type { WatchEvent } from "./replies.ts";

/**
 * - node: that it appears, goes, or its data changes
 * - children: that one of its children appears or goes, or it goes itself
 */
export type WatchKind = "node" | "children";

type OnChange = () => void;

/** Who wants to be told, once, of the next change of what. ZooKeeper tells of a change before it shows it. */
export class WatchTable {
  readonly #watchers: Readonly<Record<WatchKind, Map<string, Set<OnChange>>>> = {
    node: new Map(),
    children: new Map(),
  };

  add(kind: WatchKind, path: string, onChange: OnChange): void {
    const watchers = this.#watchers[kind].get(path);
    if (watchers === undefined) this.#watchers[kind].set(path, new Set([onChange]));
    else watchers.add(onChange);
  }

  /** Those who are to be told of that. */
  take({ type, path }: WatchEvent): readonly OnChange[] {
    switch (type) {
      case "created":
      case "data-changed":
        return this.#take("node", path);
      case "children-changed":
        return this.#take("children", path);
      case "deleted":
        return [...this.#take("node", path), ...this.#take("children", path)];
    }
  }

  takeAll(): readonly OnChange[] {
    const all = Object.values(this.#watchers).flatMap((byPath) => [...byPath.values()].flatMap((each) => [...each]));
    for (const byPath of Object.values(this.#watchers)) byPath.clear();
    return all;
  }

  #take(kind: WatchKind, path: string): readonly OnChange[] {
    const watchers = this.#watchers[kind].get(path) ?? [];
    this.#watchers[kind].delete(path);
    return [...watchers];
  }
}

import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { ScanTrigger } from "./directory.ts";

/** Editors and `cp` make several events per file: what follows so soon belongs to the same change. */
const DEBOUNCE_MS = 100;

export interface WatcherOptions {
  /** A file or a folder; it need not exist. */
  readonly path: string;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Reads the directory and acts on it. Never runs twice at once. */
  readonly onChange: (trigger: ScanTrigger) => Promise<void>;
}

/**
 * Says when PROCESSOR_DIR is to be read: at the start, at each poll, and shortly after a file-system event.
 *
 * Events are only a shortcut: a network file system sends none, and a watch dies with the folder that it is on. It is
 * set up again with the next poll.
 */
export class DirectoryWatcher {
  readonly #options: WatcherOptions;
  #watched: { readonly watcher: FSWatcher; readonly ino: number } | undefined;
  #cancelPoll: () => void = () => undefined;
  #cancelDebounce: () => void = () => undefined;
  /** The readings so far, one after the other. */
  #reading: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Resolves when the first reading has been acted on. */
  async start(): Promise<void> {
    await this.#poll();
  }

  /** Reads no more; resolves when a reading under way is done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPoll();
    this.#cancelDebounce();
    this.#unwatch();
    await this.#reading;
  }

  async #poll(): Promise<void> {
    await this.#rewatch();
    await this.#read("poll");
    if (this.#closed) return;
    this.#cancelPoll = this.#options.clock.schedule(this.#options.pollMs, () => void this.#poll());
  }

  #read(trigger: ScanTrigger): Promise<void> {
    this.#reading = this.#reading.then(async () => {
      if (this.#closed) return;
      try {
        await this.#options.onChange(trigger);
      } catch (error) {
        this.#options.log.error("processor directory could not be handled", { error });
      }
    });
    return this.#reading;
  }

  /** Watches what stands at the path now; a folder that was removed and made again is another one. */
  async #rewatch(): Promise<void> {
    const { path, log } = this.#options;
    try {
      // A file that is replaced by renaming takes its watch along: its folder is watched in its place.
      const isFile = (await stat(path)).isFile();
      const folder = isFile ? dirname(path) : path;
      const { ino } = await stat(folder);
      if (this.#closed || this.#watched?.ino === ino) return;
      this.#unwatch();
      const watcher = watch(folder, (_, name) => {
        if (!isFile || name === null || name === basename(path)) this.#onEvent();
      });
      watcher.on("error", () => this.#unwatch());
      this.#watched = { watcher, ino };
    } catch (error) {
      if (this.#watched !== undefined) log.debug("no file-system events for now", { path, error });
      this.#unwatch();
    }
  }

  #unwatch(): void {
    this.#watched?.watcher.close();
    this.#watched = undefined;
  }

  #onEvent(): void {
    this.#cancelDebounce();
    this.#cancelDebounce = this.#options.clock.schedule(DEBOUNCE_MS, () => void this.#read("event"));
  }
}

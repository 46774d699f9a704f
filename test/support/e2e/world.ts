import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compiledBrigade } from "../compiled-brigade.ts";
import { BrigadeProcess } from "./brigade-process.ts";
import { eventually, PATIENCE_MS } from "./eventually.ts";
import { kill, processesOf } from "./leftovers.ts";

export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** What a test may write into a processor file; see docs/reference/processor.md. */
export type Definition = Readonly<{ name: string; input: string; [field: string]: unknown }>;

/** A broker that runs already. */
export interface KafkaBeside {
  /** `host:port` */
  readonly address: string;
  /** Another one after a restart. */
  readonly pid: () => number;
  /** Ends in order, and starts again with the same address and data. */
  readonly restart: () => Promise<void>;
}

export interface WorldOptions {
  /** The compiled Brigade that is started here, where it is not the usual one. */
  readonly binary?: string | undefined;
  readonly kafka?: KafkaBeside | undefined;
}

/** The folder that is all there is to a test: processor files, data, temporary files, logs. */
export class World {
  readonly folder: string;
  /** The compiled Brigade that is started here. */
  readonly binary: string;
  /** Undefined: whoever needs one starts the embedded one. */
  readonly kafka: KafkaBeside | undefined;
  readonly #processes: BrigadeProcess[] = [];
  #drafts = 0;

  private constructor(folder: string, binary: string, kafka: KafkaBeside | undefined) {
    this.folder = folder;
    this.binary = binary;
    this.kafka = kafka;
  }

  static async create({ binary = compiledBrigade(), kafka }: WorldOptions = {}): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "brigade-e2e-"));
    const world = new World(folder, binary, kafka);
    for (const name of ["tmp", "logs", "processors"]) await mkdir(world.path(name));
    return world;
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  get processorDir(): string {
    return this.path("processors");
  }

  /** Of all that is started here. Not the test's own: settings of whoever runs it would change what it tests. */
  get env(): Readonly<Record<string, string>> {
    return {
      PATH: "/usr/bin:/bin",
      TMPDIR: this.path("tmp"),
      LOG_FORMAT: "json",
      PROCESSOR_POLL: "200ms",
    };
  }

  /** All at once: who reads it meanwhile, as Brigade may at any time, never sees the half of it. */
  async write(name: string, text: string): Promise<string> {
    const path = this.path(name);
    await mkdir(dirname(path), { recursive: true });
    const draft = this.path(`.draft-${++this.#drafts}`);
    await writeFile(draft, text);
    await rename(draft, path);
    return path;
  }

  /** Lines of a file that programs append to; none where it is not there yet. */
  async lines(name: string): Promise<readonly string[]> {
    const path = this.path(name);
    return existsSync(path) ? (await readFile(path, "utf8")).split("\n").slice(0, -1) : [];
  }

  /** Puts a definition into the processors' folder, or another in its place. */
  async define(...definitions: readonly Definition[]): Promise<void> {
    for (const definition of definitions) {
      await this.write(`processors/${definition.name}.json`, JSON.stringify(definition, undefined, 2));
    }
  }

  async undefine(name: string): Promise<void> {
    await rm(this.path("processors", `${name}.json`));
  }

  /** Starts `brigade <args>`, which goes on until its scope or the test ends. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): BrigadeProcess {
    this.#usesItsKafka(args);
    const logs = this.path("logs", `${this.#processes.length + 1}-${args[0]}`);
    const started = new BrigadeProcess([this.binary, ...args], {
      cwd: this.folder,
      env: { ...this.env, ...env },
      logs,
    });
    this.#processes.push(started);
    return started;
  }

  /** Runs `brigade <args>` to its end. */
  async run(args: readonly string[], { env = {}, stdin }: RunOptions = {}): Promise<Finished> {
    this.#usesItsKafka(args);
    const child = Bun.spawn([this.binary, ...args], {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
      stdout: "pipe",
      stderr: "pipe",
      timeout: PATIENCE_MS,
      killSignal: "SIGKILL",
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const code = await child.exited;
    if (child.signalCode !== null) throw new Error(`brigade ${args.join(" ")} did not end: ${err}${out}`);
    return { code, out, err };
  }

  /** As {@link run}, where only success will do. @returns standard output */
  async mustRun(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, out, err } = await this.run(args, options);
    if (code !== 0) throw new Error(`brigade ${args.join(" ")} failed with exit code ${code}: ${err}`);
    return out;
  }

  /** A test that runs on each Kafka must not have another one without noticing it. */
  #usesItsKafka([command, ...options]: readonly string[]): void {
    const hasItsOwn = command === "kafka" || (command === "local" && !options.includes("--kafka"));
    if (this.kafka !== undefined && hasItsOwn) {
      throw new Error(`brigade ${command} brings its own Kafka: the test has to use the world's, or be endToEndOnce`);
    }
  }

  /** Resolves when no process of this test is left, whether it was started here or by another of them. */
  async untilNothingRuns(): Promise<void> {
    let left = processesOf(this.folder);
    await eventually(`nothing runs; left over: ${left.map(({ command }) => command).join(", ")}`, () => {
      left = processesOf(this.folder);
      return left.length === 0;
    });
  }

  /** Names of what stands in the folder for temporary files. */
  temporaryFiles(): Promise<readonly string[]> {
    return readdir(this.path("tmp"));
  }

  /** The end of a test that passed. @throws where something still runs */
  async close(): Promise<void> {
    for (const process of this.#processes) await process[Symbol.asyncDispose]();
    await this.untilNothingRuns();
    await rm(this.folder, { recursive: true });
  }

  /** The end of a test that failed: ends whatever runs, and leaves the files. */
  async abandon(): Promise<void> {
    for (const process of this.#processes) await process[Symbol.asyncDispose]();
    for (const { pid } of processesOf(this.folder)) kill(pid);
  }
}

import type { RunOutcome } from "../../engine/ports.ts";
import type { RunSpec } from "../../engine/run-wire.ts";
import { type ContainerConfig, imageOf } from "./container-config.ts";
import { outcomeOf } from "./container-exit.ts";
import { attachOutput } from "./engine-api.ts";
import type { EngineClient } from "./engine-client.ts";
import { EngineContainer, type EngineContainerOptions } from "./engine-container.ts";
import { Execution, type ExecutionOptions } from "./execution.ts";
import { NeverRanError } from "./never-ran.ts";
import { OutputStream } from "./output-stream.ts";
import { argvOf } from "./program-argv.ts";
import { MarkedOutput, witnessedConfig } from "./warm-witness.ts";

export interface WarmProgramOptions extends ExecutionOptions, EngineContainerOptions {
  readonly client: EngineClient;
  /** Images of which that is known. */
  readonly withoutShell: Set<string>;
}

/** What is to be started. */
export interface WarmOrder {
  /** For the log of standard error, until there is a run. */
  readonly name: string;
  readonly spec: RunSpec;
  /** With standard input. */
  readonly config: ContainerConfig;
  /** Known to nobody else: see warm-witness.ts. */
  readonly mark: string;
  /** Resolves when it is not wanted any more. */
  readonly unwanted: Promise<"unwanted">;
}

export interface WarmExit {
  readonly outcome: RunOutcome;
  /** By the Engine's clock, ms since 1970. */
  readonly finishedAtMs: number;
}

/** A program that has started in a container of its own, and waits for its input. */
export class WarmProgram {
  readonly execution: Execution;
  readonly #order: WarmOrder;
  readonly #options: WarmProgramOptions;
  readonly #succeeded = Promise.withResolvers<"succeeded">();
  readonly #broken = Promise.withResolvers<never>();
  readonly #output: MarkedOutput;
  #container: EngineContainer;
  #stream: OutputStream | undefined;
  #exit: Promise<WarmExit> | undefined;
  #isOver = false;

  constructor(order: WarmOrder, options: WarmProgramOptions) {
    this.#order = order;
    this.#options = options;
    this.#container = new EngineContainer(options);
    this.execution = new Execution(order.name, order.spec, options, {
      signal: (name) => {
        this.#container.signal(name).catch((error: unknown) => this.#broken.reject(error));
      },
      stopReading: () => this.#stream?.close(),
    });
    this.#output = new MarkedOutput(this.execution, order.mark, () => {
      this.#isOver = true;
      this.#succeeded.resolve("succeeded");
    });
    // It is looked at only while the program has a record.
    this.#broken.promise.catch(() => undefined);
  }

  get containerId(): string {
    return this.#container.id;
  }

  /** Resolves when it has told that it exits with 0, and all of its output is there: well before {@link exit}. */
  get succeeded(): Promise<"succeeded"> {
    return this.#succeeded.promise;
  }

  /** Of one that has started. Rejects where the Engine is lost. */
  get exit(): Promise<WarmExit> {
    return Promise.race([this.#exit as Promise<WarmExit>, this.#broken.promise]);
  }

  /** It has ended, or printed more than it may. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Of its output: all that came, a part of the mark perhaps included. */
  get receivedBytes(): number {
    return this.#output.receivedBytes;
  }

  /** Of its output; all of it once it has succeeded. */
  get outputBytes(): number {
    return this.#output.passedBytes;
  }

  /**
   * Starts it, with a witness where the image has a shell.
   *
   * @throws {NeverRanError | EngineLostError | EngineRefusedError}
   */
  async start(): Promise<void> {
    const { withoutShell } = this.#options;
    const { config, mark } = this.#order;
    const { Image } = config;
    if (!withoutShell.has(Image)) {
      try {
        const greeted = this.#output.greeted();
        await this.#start((argv) => witnessedConfig(config, argv, mark));
        await Promise.race([greeted, this.exit]);
        return;
      } catch (error) {
        if (!lacksShell(error)) throw error;
        withoutShell.add(Image);
        await this.remove();
        this.#container = new EngineContainer(this.#options);
        this.#output.withoutWitness();
      }
    }
    await this.#start(() => config);
  }

  /** Reads no more of its output, and removes the container. */
  async remove(): Promise<void> {
    this.#stream?.close();
    await this.#container.remove();
  }

  /** @param configOf with what to create it, given the program and its arguments */
  async #start(configOf: (argv: readonly string[]) => ContainerConfig): Promise<void> {
    const { client } = this.#options;
    const { config, spec, unwanted } = this.#order;
    const container = this.#container;
    const order = { config, pull: imageOf(spec).container, unwanted };
    await container.createFor(order, (image) => configOf(argvOf(config, image)));
    this.#stream = await OutputStream.open((onData) => attachOutput(client, container.id, onData), this.#output);
    await container.start();
    this.#exit = this.#follow(this.#stream);
    // Who waits for it will see.
    this.#exit.catch(() => undefined);
  }

  async #follow(stream: OutputStream): Promise<WarmExit> {
    const { execution } = this;
    const cutOffBy = await execution.readsOutput(stream.ends());
    if (cutOffBy !== undefined) {
      this.#isOver = true;
      // Without a record nobody ends it but its removal.
      if (!execution.isRunning) return { outcome: cutOffBy, finishedAtMs: 0 };
    }
    this.#output.end();
    await this.#container.exits();
    this.#isOver = true;
    if (execution.isRunning) execution.isOver();
    const state = await this.#container.state();
    return { outcome: outcomeOf(state), finishedAtMs: state.finishedAtMs };
  }
}

function lacksShell(error: unknown): boolean {
  if (!(error instanceof NeverRanError)) return false;
  const { outcome } = error;
  return outcome.type === "not-startable" && outcome.reason === "program-not-found";
}

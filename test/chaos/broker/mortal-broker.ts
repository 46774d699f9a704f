import { freePort } from "../../support/free-port.ts";

/** A broker's process, as whoever starts one gives it. */
export interface BrokerProcess {
  readonly port: number;
  /** With SIGKILL. */
  kill(): Promise<void>;
}

/** @param port of all its lives */
export type StartBroker = (port: number) => Promise<BrokerProcess>;

/** One life of a broker: from its start until it is killed. */
export interface Life {
  readonly number: number;
  readonly port: number;
  readonly over: boolean;
}

/** A broker that is killed and started again on the same port and data; clients wait for its next life. */
export class MortalBroker {
  readonly #start: StartBroker;
  #process: BrokerProcess;
  #life: { readonly number: number; readonly port: number; over: boolean };
  #alive: Promise<void> = Promise.resolve();

  private constructor(start: StartBroker, process: BrokerProcess) {
    this.#start = start;
    this.#process = process;
    this.#life = { number: 1, port: process.port, over: false };
  }

  static async start(start: StartBroker): Promise<MortalBroker> {
    return new MortalBroker(start, await start(await freePort()));
  }

  /** The life that is, or that begins next. @throws where it could not be started again, or was ended for good */
  async life(): Promise<Life> {
    await this.#alive;
    if (this.#life.over) throw new Error("the broker was ended");
    return this.#life;
  }

  /** `kill -9`, and a new life at once. The old one counts as over before the signal is sent. */
  async strike(): Promise<void> {
    const { number, port } = this.#life;
    this.#life.over = true;
    this.#alive = this.#process.kill().then(async () => {
      this.#process = await this.#start(port);
      this.#life = { number: number + 1, port, over: false };
    });
    await this.#alive;
  }

  /** For good. */
  async end(): Promise<void> {
    this.#life.over = true;
    await this.#process.kill();
  }
}

import type { MasterFramework, MasterTask } from "../../../src/mesos/operator-answers.ts";
import { RequestLine } from "../network.ts";
import type { ProcessContext } from "../process-context.ts";
import type { Master } from "./master.ts";
import type { MasterAddress } from "./master-connection.ts";

/** The master's operator API, as far as a scheduler asks it for its own former framework. */
export class SimulatedOperator {
  readonly #context: ProcessContext;
  readonly #address: MasterAddress;

  constructor(context: ProcessContext, address: MasterAddress) {
    this.#context = context;
    this.#address = address;
  }

  frameworks(): Promise<readonly MasterFramework[]> {
    return this.#ask((master) => master.frameworks());
  }

  tasks(): Promise<readonly MasterTask[]> {
    return this.#ask((master) => master.tasks());
  }

  recoveredAgents(): Promise<number> {
    return this.#ask((master) => master.recoveredAgents());
  }

  #ask<T>(question: (master: Master) => T): Promise<T> {
    const { time, random, life, effect } = this.#context;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const line = new RequestLine(time, random, life);
    const unavailable = (): void => reject(new Error("no master answers"));
    effect(() =>
      line.request<T | undefined>(
        (answer) => {
          const { leader } = this.#address;
          answer(leader === undefined ? undefined : question(leader));
        },
        { answered: (value) => (value === undefined ? unavailable() : resolve(value)), lost: unavailable },
      ),
    );
    return promise;
  }
}

import type { LostReason } from "../engine/ports.ts";
import type { KeeperCommand, KeeperEvent } from "./keeper-api.ts";

/** Since the start of the process. */
export interface RunnerCounters {
  /** Tasks sent to the master. */
  readonly launches: number;
  readonly offers: number;
  /** Offers given back unused. */
  readonly declines: number;
  readonly revives: number;
  readonly suppresses: number;
  readonly kills: number;
  readonly acknowledgements: number;
  readonly losses: Readonly<Partial<Record<LostReason, number>>>;
}

/** Counts what goes into the keeper and what comes out. */
export class CountedTraffic {
  readonly #counts = { launches: 0, offers: 0, declines: 0, revives: 0, suppresses: 0, kills: 0, acknowledgements: 0 };
  readonly #losses: Partial<Record<LostReason, number>> = {};

  event(event: KeeperEvent): void {
    if (event.type === "event" && event.event.type === "OFFERS") this.#counts.offers += event.event.offers.length;
  }

  command(command: KeeperCommand): void {
    if (command.type === "lost") this.#losses[command.reason] = (this.#losses[command.reason] ?? 0) + 1;
    if (command.type !== "call") return;
    const { call } = command;
    const counts = this.#counts;
    if (call.type === "REVIVE") counts.revives++;
    else if (call.type === "SUPPRESS") counts.suppresses++;
    else if (call.type === "KILL") counts.kills++;
    else if (call.type === "ACKNOWLEDGE") counts.acknowledgements++;
    else if (call.type === "DECLINE") counts.declines += call.offerIds.length;
    else if (call.type === "ACCEPT") {
      for (const operation of call.operations) {
        if (operation.type === "LAUNCH") counts.launches += operation.taskInfos.length;
      }
    }
  }

  view(): RunnerCounters {
    return { ...this.#counts, losses: { ...this.#losses } };
  }
}

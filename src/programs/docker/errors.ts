import { BrigadeError } from "../../base/errors.ts";

/** The Engine could not be reached, broke off, or is out of its own resources. What was asked may have been done. */
export class EngineLostError extends BrigadeError {
  override readonly name = "EngineLostError";
  readonly code = "engine-lost";
  readonly fault = "infrastructure";
}

/** The Engine answered a request with an error. */
export class EngineRefusedError extends BrigadeError {
  override readonly name = "EngineRefusedError";
  readonly code = "engine-refused";
  readonly fault: "processor" | "infrastructure";
  /** HTTP status: 400 bad parameter, 404 no such container or image, 409 conflict, 500 the Engine's own trouble. */
  readonly status: number;
  /** What the Engine says, without ours around it. */
  readonly reason: string;

  constructor(action: string, status: number, reason: string) {
    super(`Cannot ${action}: the Docker Engine answered ${status}: ${reason}`);
    this.status = status;
    this.reason = reason;
    this.fault = status >= 500 ? "infrastructure" : "processor";
  }
}

/** Somebody else removes a container that was in use. Its exit code is that of the kill which comes first. */
export class ContainerRemovedError extends BrigadeError {
  override readonly name = "ContainerRemovedError";
  readonly code = "container-removed";
  readonly fault = "infrastructure";

  constructor() {
    super("Cannot tell how a program ended: somebody is removing its container");
  }
}

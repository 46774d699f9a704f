import { BrigadeError } from "../../../base/errors.ts";

/** What came over the link between master and agent is not what the two of one Brigade say to each other. */
export class LinkProtocolError extends BrigadeError {
  override readonly name = "LinkProtocolError";
  readonly code = "mesos-link-protocol";
  readonly fault = "infrastructure";
}
